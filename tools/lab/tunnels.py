#!/usr/bin/env python3
"""The rows of the accuracy matrix whose packets go through a tunnel or are copied, and the network they need:

            tun0, tun1, tun2 (TUN devices: processes write into them)
              |
            host -- vx4, vx6 (VXLAN), wg4, wg6 (WireGuard) over h0 -- peer

What leaves h0 for COPIED_PORT is copied to the gateway behind h1."""
import sys
import time

from wireguard import KEYS

PEER = ("192.0.2.2", "2001:db8:1::2")
HOST = ("192.0.2.1", "2001:db8:1::1")
SEGMENTED_PEER = ("198.51.100.2", "2001:db8:2::2")
VXLAN = (("203.0.113.225", "203.0.113.226"), ("2001:db8:1c::1", "2001:db8:1c::2"))
WIREGUARD = (("203.0.113.193", "203.0.113.194"), ("2001:db8:1d::1", "2001:db8:1d::2"))
TUN = (("203.0.113.209", "203.0.113.210"), ("2001:db8:1e::1", "2001:db8:1e::2"))
MACS = ("02:00:5e:00:1f:01", "02:00:5e:00:1f:02")
VXLAN_PORT, WIREGUARD_PORT, COPIED_PORT = 4789, 51820, 7431
LENGTH = {0: "28", 1: "64"}


class Tunnels:
    """Tunnels out of the host of a session's lab, the inner and outer packets of one IP version each."""

    def __init__(self, session):
        self.session = session
        self.lab = session.lab
        self.missing = set()

    def make(self):
        parts = ((self.vxlan, ["31"]), (self.wireguard, ["31b"]), (self.copies, ["31b-copy"]),
                 (self.devices, ["34", "34-several", "34-unheld"]))
        self.missing = self.session.make_each(parts)

    # The network.

    def vxlan(self):
        for at, name in enumerate(("vx4", "vx6")):
            # Not tied to a device: h0 would then have one above it, and row 32b could not be answered.
            for number, namespace in enumerate(("host", "peer")):
                ends = (HOST[at], PEER[at])
                self.lab.ip(namespace, "link", "add", name, "address", MACS[number], "type", "vxlan", "id", str(31 + at),
                            "local", ends[number], "remote", ends[1 - number], "dstport", str(VXLAN_PORT))
                self.lab.bring_up(namespace, name, [f"{VXLAN[at][number]}/{LENGTH[at]}"])
                self.lab.ip(namespace, "neighbour", "replace", VXLAN[at][1 - number], "lladdr", MACS[1 - number], "nud",
                            "permanent", "dev", name)
        # The tunnel's end takes nothing out of it, and so answers nothing.

    def wireguard(self):
        for at, name in enumerate(("wg4", "wg6")):
            for number, namespace in enumerate(("host", "peer")):
                self.lab.ip(namespace, "link", "add", name, "type", "wireguard")
                self.lab.run(namespace, sys.executable, f"{sys.path[0]}/wireguard.py", name, str(WIREGUARD_PORT + at),
                             KEYS[number][0], KEYS[1 - number][1], (HOST, PEER)[1 - number][at],
                             WIREGUARD[at][1 - number])
                self.lab.bring_up(namespace, name, [f"{WIREGUARD[at][number]}/{LENGTH[at]}"])
        self.lab.run("peer", "nft", "insert rule inet lab input udp dport "
                     f"{WIREGUARD_PORT}-{WIREGUARD_PORT + 1} accept")

    def copies(self):
        for tool, gateway in zip(("iptables", "ip6tables"), SEGMENTED_PEER):
            self.lab.run("host", tool, "-t", "mangle", "-A", "OUTPUT", "-p", "udp", "--dport", str(COPIED_PORT), "-j",
                         "TEE", "--gateway", gateway)

    def devices(self):
        for number in range(3):
            self.lab.ip("host", "tuntap", "add", "dev", f"tun{number}", "mode", "tun")
            self.lab.bring_up("host", f"tun{number}", [])
        # The peer answers nothing there.
        self.lab.ip("peer", "route", "add", "blackhole", "203.0.113.208/28")
        self.lab.ip("peer", "route", "add", "blackhole", "2001:db8:1e::/64")

    # The senders.

    def send(self, family):
        at = 0 if family == 4 else 1
        if self.vxlan not in self.missing:
            self.send_encapsulated(at)
        if self.wireguard not in self.missing:
            for mode, port in (("sendto", 7311), ("connected-send", 7312)):
                self.session.send("31b", mode, *WIREGUARD[at], "--port", port)
        if self.copies not in self.missing:
            self.session.send("31b-copy", "sendto", HOST[at], PEER[at], "--port", COPIED_PORT)
            # What was copied and the copy must not meet the next row's.
            time.sleep(0.1)
        if self.devices not in self.missing:
            source, there = TUN[at][1], PEER[at]
            self.session.send("34", "tun-udp", source, there, "--port", 7340, "--interface", "tun0")
            self.session.send("34-several", "tun-udp", source, there, "--port", 7341, "--interface", "tun1", "--multiple")
            self.session.send("34-unheld", "tun-once", source, there, "--port", 7342, "--interface", "tun2")
            # A look at the holders counts for packets of two seconds before.
            time.sleep(2.5)

    def send_encapsulated(self, at):
        link = ("--interface", ("vx4", "vx6")[at], "--mac", MACS[1])
        self.session.send("31", "sendto", *VXLAN[at], "--port", 7301)
        self.session.send("31", "connected-send", *VXLAN[at], "--port", 7302)
        self.session.send("31", "ping-socket", *VXLAN[at])
        self.session.send("31", "packet-udp", *VXLAN[at], "--port", 7303, *link)
        self.session.send("31", "shared-in-turn", *VXLAN[at], "--port", 7304)

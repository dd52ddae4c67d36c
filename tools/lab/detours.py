"""The rows of the accuracy matrix whose packets go a longer way than out of one interface, and the network they need:

            box (a container)     left, right (two alike)      outside (a TAP device)
              | c0                  | t0, t1                     | tap1
            host --------------------------------------------- br0 -- b0 (slow)
              | s0 (slow)   | d0 (drops)   | m0, l0 with mv0, v0 on top      |
            peer -----------------------------------------------------------

What leaves c0, t0 and t1 for h0's network is masqueraded. A part that the kernel cannot make skips its rows, with the
reason."""
import os
import socket
import subprocess
import time

from netlab import remove_cgroup

SLOW = (("203.0.113.65", "203.0.113.66"), ("2001:db8:5::1", "2001:db8:5::2"))
BRIDGE = (("203.0.113.81", "203.0.113.82"), ("2001:db8:6::1", "2001:db8:6::2"))
BRIDGE_OUTSIDE = ("203.0.113.83", "2001:db8:6::9")
MACVLAN = (("203.0.113.97", "203.0.113.98"), ("2001:db8:7::1", "2001:db8:7::2"))
CONTAINER = (("203.0.113.113", "203.0.113.114"), ("2001:db8:8::1", "2001:db8:8::2"))
TWINS = (("203.0.113.129", "203.0.113.130"), ("2001:db8:9::1", "2001:db8:9::2"))
VLAN = (("203.0.113.161", "203.0.113.162"), ("2001:db8:b::1", "2001:db8:b::2"))
DROPPING = (("203.0.113.145", "203.0.113.146"), ("2001:db8:a::1", "2001:db8:a::2"))
TRANSLATED_FROM = ("192.0.2.77", "2001:db8:1::77")
UNANSWERED = ("192.0.2.40", "2001:db8:1::40")
UNROUTED = ("198.51.100.250", "2001:db8:ff::1")
HOST = ("192.0.2.1", "2001:db8:1::1")
SECOND_ADDRESS = ("192.0.2.11", "2001:db8:1::11")
PEER = ("192.0.2.2", "2001:db8:1::2")
PEER_MAC, BRIDGE_PEER_MAC = "02:00:5e:00:00:02", "02:00:5e:00:06:02"
MACVLAN_PEER_MAC, VLAN_PEER_MAC = "02:00:5e:00:07:02", "02:00:5e:00:0c:02"
DNAT_PORT, DNAT_TARGET_PORT, SNAT_PORT, FILTERED_PORT = 7241, 7242, 7243, 7331
QUEUE, QUEUED_PORT = 32, 7320
BALANCED, BALANCED_PORT = ("203.0.113.177", "2001:db8:d::1"), 7322
REWRITTEN, REWRITTEN_PORT = ("192.0.2.43", "2001:db8:1::43"), 7343
# Python has no name for it (linux/socket.h).
AF_XDP = 44
GROUPS = (("cgroup-own", ()), ("cgroup-many", ("--multiple",)))


def widths(side):
    """Addresses of one end with the lengths of their networks."""
    return [f"{side[0]}/28", f"{side[1]}/64"]


def side(link, number):
    return link[0][number], link[1][number]


class Detours:
    """The longer ways out of the host of a session's lab."""

    def __init__(self, session):
        self.session = session
        self.lab = session.lab
        self.missing = set()

    # The network.

    def make(self):
        parts = (
            (self.slow_link, ["16-slow"]),
            (self.dropping_link, ["33"]),
            (self.bridge, ["14c-bridge", "27"]),
            (self.macvlan, ["14c-macvlan", "36"]),
            (self.vlan, ["14c-vlan", "36-vlan"]),
            (self.translation, ["23", "24", "25"]),
            (self.queue, ["32", "32-shared", "32-older"]),
            (self.balance, ["32b"]),
            (self.rewriting, ["43"]),
            (self.express, ["14b-xdp"]),
        )
        self.missing = self.session.make_each(parts)

    def slow(self, interface, rate="1mbit"):
        self.lab.run("host", "tc", "qdisc", "add", "dev", interface, "root", "tbf", "rate", rate, "burst", "2000",
                     "limit", "400000")

    def link(self, namespace, name, number, addresses, other, other_name):
        self.lab.connect((namespace, name, f"02:00:5e:00:{number:02x}:01", widths(side(addresses, 0))),
                         (other, other_name, f"02:00:5e:00:{number:02x}:02", widths(side(addresses, 1))))

    def slow_link(self):
        self.link("host", "s0", 5, SLOW, "peer", "s1")
        self.slow("s0")

    def dropping_link(self):
        """A queue whose bucket is too small for any packet of the row."""
        self.link("host", "d0", 10, DROPPING, "peer", "d1")
        self.lab.run("host", "tc", "qdisc", "add", "dev", "d0", "root", "tbf", "rate", "1mbit", "burst", "100",
                     "limit", "400000")
        # Larger ones do not even come that far: "if the length is above 300, drop (2), else go on (-1)".
        self.lab.run("host", "tc", "qdisc", "add", "dev", "d0", "clsact")
        self.lab.run("host", "tc", "filter", "add", "dev", "d0", "egress", "bpf", "da", "bytecode",
                     "4,128 0 0 0,37 0 1 300,6 0 0 2,6 0 0 4294967295")
        self.lab.run("host", "nft", "add chain inet lab output_drop { type filter hook output priority 1; };"
                     f"add rule inet lab output_drop udp dport {FILTERED_PORT} drop")

    def bridge(self):
        host, peer = widths(side(BRIDGE, 0)), widths(side(BRIDGE, 1))
        self.lab.ip("host", "link", "add", "br0", "address", "02:00:5e:00:06:01", "type", "bridge", "mcast_snooping",
                    "0", "forward_delay", "0")
        self.lab.connect(("host", "b0", "02:00:5e:00:06:03", []), ("peer", "b1", BRIDGE_PEER_MAC, peer))
        self.lab.tap("host", "tap1", "02:00:5e:00:06:04", [], [], "")
        for port in ("b0", "tap1"):
            self.lab.ip("host", "link", "set", port, "master", "br0")
        self.lab.bring_up("host", "br0", host)
        self.neighbours("host", "br0", side(BRIDGE, 1), BRIDGE_PEER_MAC)
        self.neighbours("peer", "b1", side(BRIDGE, 0), "02:00:5e:00:06:01")
        # Answers to the outside go nowhere.
        self.neighbours("peer", "b1", BRIDGE_OUTSIDE, "02:00:5e:00:53:09")
        # Above and below: what waits on top goes on through the bridge from whatever context comes by.
        for interface in ("br0", "b0"):
            self.slow(interface)

    def macvlan(self):
        self.lab.connect(("host", "m0", "02:00:5e:00:07:03", []),
                         ("peer", "m1", MACVLAN_PEER_MAC, widths(side(MACVLAN, 1))))
        self.lab.ip("host", "link", "add", "link", "m0", "name", "mv0", "address", "02:00:5e:00:07:01", "type",
                    "macvlan", "mode", "bridge")
        self.lab.bring_up("host", "mv0", widths(side(MACVLAN, 0)))
        self.neighbours("host", "mv0", side(MACVLAN, 1), MACVLAN_PEER_MAC)
        self.neighbours("peer", "m1", side(MACVLAN, 0), "02:00:5e:00:07:01")
        for interface in ("mv0", "m0"):
            self.slow(interface)

    def vlan(self):
        self.lab.connect(("host", "l0", "02:00:5e:00:0c:01", []), ("peer", "l1", VLAN_PEER_MAC, []))
        for number, (namespace, below, name) in enumerate((("host", "l0", "v0"), ("peer", "l1", "v1"))):
            self.lab.ip(namespace, "link", "add", "link", below, "name", name, "type", "vlan", "id", "7")
            self.lab.bring_up(namespace, name, widths(side(VLAN, number)))
        self.neighbours("host", "v0", side(VLAN, 1), VLAN_PEER_MAC)
        self.neighbours("peer", "v1", side(VLAN, 0), "02:00:5e:00:0c:01")
        for interface in ("v0", "l0"):
            self.slow(interface)

    def neighbours(self, namespace, interface, addresses, mac):
        for address in addresses:
            self.lab.ip(namespace, "neighbour", "replace", address, "lladdr", mac, "nud", "permanent", "dev", interface)

    def translation(self):
        for namespace, name, number, link in (("box", "c0", 8, CONTAINER), ("left", "t0", 9, TWINS),
                                              ("right", "t1", 11, TWINS)):
            self.lab.add(namespace)
            self.link("host", name, number, link, namespace, "eth0")
            for gateway in side(link, 0):
                self.lab.ip(namespace, "route", "add", "default", "via", gateway)
        self.lab.run("host", "nft", "add table inet nat;"
                     "add chain inet nat early { type filter hook prerouting priority -300; };"
                     "add chain inet nat output { type nat hook output priority -100; };"
                     "add chain inet nat leaving { type nat hook postrouting priority 100; };"
                     # The two are alike down to their ports: each has a table of connections of its own.
                     "add rule inet nat early iifname t0 ct original zone set 1;"
                     "add rule inet nat early iifname t1 ct original zone set 2;"
                     "add rule inet nat leaving oifname h0 ip saddr 203.0.113.112/28 masquerade;"
                     "add rule inet nat leaving oifname h0 ip6 saddr 2001:db8:8::/64 masquerade;"
                     # By chance: of two that choose the same free port at once the kernel drops one's first packet.
                     "add rule inet nat leaving oifname h0 ip saddr 203.0.113.128/28 masquerade fully-random;"
                     "add rule inet nat leaving oifname h0 ip6 saddr 2001:db8:9::/64 masquerade fully-random;"
                     f"add rule inet nat output udp dport {DNAT_PORT} dnat ip to {PEER[0]}:{DNAT_TARGET_PORT};"
                     f"add rule inet nat output udp dport {DNAT_PORT} dnat ip6 to [{PEER[1]}]:{DNAT_TARGET_PORT};"
                     f"add rule inet nat leaving udp dport {SNAT_PORT} snat ip to {SECOND_ADDRESS[0]};"
                     f"add rule inet nat leaving udp dport {SNAT_PORT} snat ip6 to {SECOND_ADDRESS[1]}")

    def queue(self):
        for tool in ("iptables", "ip6tables"):
            self.lab.run("host", tool, "-A", "OUTPUT", "-p", "udp", "--dport", str(QUEUED_PORT), "-j", "NFQUEUE",
                         "--queue-num", str(QUEUE))
        self.session.hold("queue-daemon", HOST[0], PEER[0], "--port", QUEUE)
        release = tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2])
        if release >= (6, 4):
            self.session.skip("32-older", "for kernels without the tracepoint sock_send_length")
        else:
            for row in ("32", "32-shared"):
                self.session.skip(row, "Linux before 6.4 has no tracepoint sock_send_length: see 32-older")

    def balance(self):
        """A virtual address of this machine, whose one server is the peer."""
        subprocess.run(["modprobe", "ip_vs_rr"], check=False, capture_output=True)
        for at, suffix in ((0, "32"), (1, "128")):
            address = BALANCED[at] if at == 0 else f"[{BALANCED[at]}]"
            server = PEER[at] if at == 0 else f"[{PEER[at]}]"
            self.lab.ip("host", "address", "add", f"{BALANCED[at]}/{suffix}", "dev", "lo")
            self.lab.run("host", "ipvsadm", "-A", "-u", f"{address}:{BALANCED_PORT}", "-s", "rr")
            self.lab.run("host", "ipvsadm", "-a", "-u", f"{address}:{BALANCED_PORT}", "-r",
                         f"{server}:{BALANCED_PORT}", "-m")

    def rewriting(self):
        """Another source address than the sender's, put in by a program behind the stack."""
        for at in (0, 1):
            self.lab.run("host", f"{self.session.senders}/sender", "rewrite", "--source", REWRITTEN[at],
                         "--destination", PEER[at], "--port", str(REWRITTEN_PORT), "--interface", "h0")

    def express(self):
        """Whether this kernel has AF_XDP at all."""
        try:
            socket.socket(AF_XDP, socket.SOCK_RAW).close()
        except OSError as problem:
            raise RuntimeError(f"AF_XDP: {problem.strerror}") from problem

    # The senders.

    def send(self, family):
        at = 0 if family == 4 else 1
        self.send_in_own_groups(at)
        self.send_unresolved(at)
        if self.slow_link not in self.missing:
            for number, mode in enumerate(("shared-in-turn", "shared-at-once")):
                self.session.send("16-slow", mode, *SLOW[at], "--port", 7165 + number)
        if self.dropping_link not in self.missing:
            self.send_failing(at)
        if self.bridge not in self.missing:
            self.send_stacked("14c-bridge", BRIDGE[at], 7144, "br0", BRIDGE_PEER_MAC)
            for mode in ("tap-udp", "tap-echo"):
                self.session.send_together(
                    [("27", mode, BRIDGE_OUTSIDE[at], BRIDGE[at][1], "--port", 7127, "--interface", "tap1", "--mac",
                      BRIDGE_PEER_MAC, "--wait")], ("host",), until=self.wait_for_port)
        for make, row, stacked, link, name, mac in (
                (self.macvlan, "36", "14c-macvlan", MACVLAN, "mv0", MACVLAN_PEER_MAC),
                (self.vlan, "36-vlan", "14c-vlan", VLAN, "v0", VLAN_PEER_MAC)):
            if make not in self.missing:
                # Older macvlan devices cannot tell a frame's protocol, and then no capture of all interfaces can.
                self.send_stacked(stacked, link[at], 7145, name, mac, "--tell-protocol")
                self.session.send(row, "sendto", *link[at], "--port", 7136)
                self.session.send(row, "ping-socket", *link[at])
        if self.translation not in self.missing:
            self.send_translated(at)
        if self.queue not in self.missing:
            self.send_queued(at)
        if self.balance not in self.missing:
            # The address is this machine's own, so it is what the client sends from.
            for mode in ("sendto", "connected-send"):
                self.session.send("32b", mode, BALANCED[at], BALANCED[at], "--port", BALANCED_PORT,
                                  seen={"destination": PEER[at]})
        if self.rewriting not in self.missing:
            self.session.send("43", "sendto", HOST[at], PEER[at], "--port", REWRITTEN_PORT,
                              seen={"source": REWRITTEN[at]})
        words = ("--interface", "h0", "--mac", PEER_MAC)
        self.session.send("14b", "packet-udp", HOST[at], PEER[at], "--port", 7314, *words, "--bypass")
        self.session.send("14b", "packet-echo", HOST[at], PEER[at], *words, "--bypass")
        if self.express not in self.missing:
            self.session.send("14b-xdp", "xdp-udp", HOST[at], PEER[at], "--port", 7315, *words)
            self.session.send("14b-xdp", "xdp-echo", HOST[at], PEER[at], *words)

    def send_queued(self, at):
        alone = ("sendto", "connected-send", "raw-udp")
        shared = ("shared-at-once", "shared-in-turn")
        for row, modes in (("32", alone), ("32-shared", shared), ("32-older", alone + shared)):
            for mode in modes:
                if row not in self.session.skipped:
                    self.session.send(row, mode, HOST[at], PEER[at], "--port", QUEUED_PORT)

    def send_in_own_groups(self, at):
        for name, extra in GROUPS:
            if not self.session.wanted("42"):
                return
            folder = f"{self.lab.cgroup_root()}/{self.lab.names['host']}-{name}"
            os.mkdir(folder)
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                self.session.send("42", "cgroup-program", HOST[at], PEER[at], "--port", 7142, "--descriptor",
                                  descriptor, *extra, cgroup=folder, descriptors=(descriptor,))
                os.close(descriptor)
            finally:
                remove_cgroup(folder)

    def send_unresolved(self, at):
        """The neighbour is made known, by another process, when the senders are gone."""
        self.session.send("30", "sendto", HOST[at], UNANSWERED[at], "--port", 7130)
        time.sleep(0.1)
        self.neighbours("host", "h0", UNANSWERED[at:at + 1], PEER_MAC)

    def send_failing(self, at):
        send = self.session.send
        send("33", "sendto", HOST[at], UNROUTED[at], "--port", 7330, "--packets", 0)
        send("33", "sendto", HOST[at], PEER[at], "--port", FILTERED_PORT, "--packets", 0)
        send("33", "sendto", *DROPPING[at], "--port", 7333, "--size", 120, "--packets", 0)
        send("33", "sendto", *DROPPING[at], "--port", 7333, "--size", 400, "--packets", 0)

    def send_stacked(self, row, link, port, interface, mac, *extra):
        """While other processes keep the processors busy: what is left in a queue goes on in their contexts."""
        if not self.session.wanted(row):
            return
        spinning = [self.session.hold("spin", *link) for _ in range(os.cpu_count() or 1)]
        words = ("--interface", interface, "--mac", mac, "--size", 400, *extra)
        self.session.send(row, "packet-udp", *link, "--port", port, *words)
        self.session.send(row, "packet-udp", *link, "--port", port, *words, "--ring")
        self.session.send(row, "packet-echo", *link, *words)
        time.sleep(0.2)
        for child in spinning:
            child.kill()
            child.wait()

    def wait_for_port(self):
        """The bridge takes the TAP device's carrier note a moment after the device has a reader."""
        for _ in range(100):
            if "state forwarding" in self.lab.ip("host", "-d", "link", "show", "tap1"):
                return
            time.sleep(0.02)
        raise RuntimeError("tap1 never came to forward")

    def send_translated(self, at):
        send = self.session.send
        box, away = CONTAINER[at][1], {"source": HOST[at]}
        send("23", "sendto", box, PEER[at], "--port", 7123, "--size", 8, namespace="box", seen=away)
        send("23", "ping-socket", box, PEER[at], namespace="box", seen=away)
        send("24", "sendto", HOST[at], TRANSLATED_FROM[at], "--port", DNAT_PORT,
             seen={"destination": PEER[at]})
        send("24", "connected-send", HOST[at], PEER[at], "--port", SNAT_PORT, seen={"source": SECOND_ADDRESS[at]})
        self.session.send_together(
            [("25", "sendto", TWINS[at][1], PEER[at], "--port", 7125, "--source-port", 45025, "--wait")] * 2,
            ("left", "right"), seen=away)

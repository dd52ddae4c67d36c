#!/usr/bin/env python3
"""Runs every sender of the accuracy matrix once, under `whosent live`, `whosent record` and tcpdump at the same time, and
then `whosent join` on what tcpdump saw. Leaves the truth and what each way said in a folder; judges nothing.

usage: sudo tools/lab/accuracy.py --whosent BINARY --senders FOLDER --output FOLDER [--rows 1,2,…] [--no-whosent]

The folder afterwards: truth.ndjson (a line a packet sent), live.ndjson, join-any.ndjson, join-h0.ndjson,
join-peer.ndjson, join-filtered.ndjson (what each way said), *.pcap, *.pcapng, *.stderr, and session.json (what was run, how it ended,
which rows this kernel cannot run and why)."""
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # run as root, in a folder that may be another user's
from detours import Detours  # noqa: E402
import session  # noqa: E402
from netlab import accuracy_network  # noqa: E402
from session import HOST, PEER  # noqa: E402
from tunnels import Tunnels  # noqa: E402

FLASHES = 300
SECOND_ADDRESS = {4: "192.0.2.11", 6: "2001:db8:1::11"}
SEGMENTED_HOST = {4: "198.51.100.1", 6: "2001:db8:2::1"}
SEGMENTED_PEER = {4: "198.51.100.2", 6: "2001:db8:2::2"}
GUEST = {4: "198.51.100.130", 6: "2001:db8:4::2"}
OUTSIDE = {4: "203.0.113.9", 6: "2001:db8:3::9"}
OUTSIDE_GATEWAY = {4: "203.0.113.1", 6: "2001:db8:3::1"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
MULTICAST = {4: "233.252.0.7", 6: "ff0e::db8:0:7"}
GATEWAY_MAC, PEER_MAC = "02:00:5e:00:53:01", "02:00:5e:00:00:02"
CLOSED_PORT, REJECTED_PORT, RECORDED_PORT, UNRECORDED_PORT = 7001, 7777, 7037, 7038


class AccuracySession(session.Session):
    """The matrix: a sender or several for each row."""

    def ping(self, family):
        """The ping of iputils, which prints no truth: ours is what it was asked to do."""
        if not self.wanted("ping"):
            return
        words = ["ping", f"-{family}", "-c", "3", "-i", "0.2", "-s", "1", "-p", "3f", PEER[family]]
        child = self.lab.start("host", *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        parent = os.getpid()
        child.communicate(timeout=30)
        if child.returncode:
            raise RuntimeError(f"ping -{family} had no answer")
        executable = os.path.realpath(subprocess.run(["which", "ping"], capture_output=True, text=True).stdout.strip())
        for sequence in (1, 2, 3):
            line = {"row": "ping", "mode": "ping", "pid": child.pid, "tid": child.pid, "ppid": parent, "name": "ping",
                    "thread_name": "ping", "executable": executable, "args": words,
                    "protocol": "icmp" if family == 4 else "ipv6-icmp", "source": HOST[family],
                    "destination": PEER[family], "icmp_type": 8 if family == 4 else 128, "icmp_seq": sequence,
                    "length": 1, "packets": 1, "prefix": "3f"}
            self.truth.write(json.dumps(line) + "\n")
        self.truth.flush()

    def segments_late(self):
        """Whether veth takes a batch of datagrams whole; on Linux 5.10 the stack segments it before."""
        return "tx-udp-segmentation: on" in self.lab.run("host", "ethtool", "-k", "h0")

    def send_rows(self, family):
        here, there, whole = HOST[family], PEER[family], self.segments_late()
        self.send("1", "sendto", here, there, "--port", 7101)
        self.send("3", "pktinfo", SECOND_ADDRESS[family], there, "--port", 7103)
        if family == 4:
            self.send("3", "mapped", here, there, "--port", 7104)
        self.send("4", "sendmmsg", here, there, "--port", 7105, "--count", 131)
        for port in range(7106, 7109):
            self.send("5", "gso", here, there, "--port", port, "--size", 104, "--packets", 1 if whole else 23)
            self.send("5", "gso", SEGMENTED_HOST[family], SEGMENTED_PEER[family], "--port", port, "--size", 104,
                      "--packets", 23)
        self.send("5-stream", "gso-stream", SEGMENTED_HOST[family], SEGMENTED_PEER[family], "--port", 7147, "--size", 104,
                  "--count", 600)
        self.send("6", "cork", here, there, "--port", 7110)
        self.send("6", "more", here, there, "--port", 7111)
        self.send("7", "sendto", here, there, "--port", 7112, "--size", 4000, "--packets", 3)
        self.send("8", "empty", here, there, "--port", 7200)
        self.send("9", "multicast", here, MULTICAST[family], "--port", 7113, "--interface", "h0")
        if family == 4:
            self.send("9", "broadcast", here, "192.0.2.255", "--port", 7114, "--interface", "h0")
            self.send("9", "broadcast", here, "255.255.255.255", "--port", 7115, "--interface", "h0")
        for number, mode in enumerate(("uring-inline", "uring-worker", "uring-poll", "uring-inherited")):
            self.send("10", mode, here, there, "--port", 7140 + number)
        self.send("11", "zerocopy", here, there, "--port", 7144, "--size", 1000)
        self.send("12", "ping-socket", here, there)
        self.send("12", "raw-echo", here, there)
        self.send("13", "raw-udp", here, there, "--port", 7116)
        link = ("--interface", "h0", "--mac", PEER_MAC)
        self.send("14", "packet-udp", here, there, "--port", 7117, *link)
        self.send("14", "packet-udp", here, there, "--port", 7118, *link, "--ring")
        self.send("14", "packet-echo", here, there, *link)
        self.send("14", "packet-echo", here, there, *link, "--ring")
        self.send("15", "inherit-fork", here, there, "--port", 7119)
        self.send("15", "inherit-exec", here, there, "--port", 7120, "--helper", f"{self.senders}/heir")
        self.send("15", "passed", here, there, "--port", 7121)
        self.send("16", "shared-in-turn", here, there, "--port", 7145)
        self.send("16", "shared-at-once", here, there, "--port", 7146)
        self.send("17", "exec-once", here, there, "--port", 7122, "--count", FLASHES, "--helper",
                  f"{self.senders}/once")
        self.send("18", "fork-once", here, there, "--port", 7123, "--count", FLASHES)
        self.send("19", "threads", here, there, "--port", 7124)
        outside = ("--interface", "tap0", "--mac", GATEWAY_MAC)
        self.send("26", "tap-udp", OUTSIDE[family], there, "--port", 7125, *outside)
        self.send("26", "tap-echo", OUTSIDE[family], there, *outside)
        self.send("28-request", "raw-echo", there, here, namespace="peer")
        self.send("28-request", "sendto", there, here, "--port", CLOSED_PORT, namespace="peer")
        self.send("28-rejected", "sendto", here, there, "--port", REJECTED_PORT, "--packets", 0)
        self.send("28b", "raw-echo-reply", here, there)
        self.send("29", "tap-udp", OUTSIDE[family], OUTSIDE_GATEWAY[family], "--port", 7126, *outside)
        self.send("35", "sendto", LOOPBACK[family], LOOPBACK[family], "--port", 7035)
        self.send("37-inside", "sendto", here, there, "--port", RECORDED_PORT)
        self.send("37-outside", "sendto", here, there, "--port", UNRECORDED_PORT)
        self.send("39", "identical", here, there, "--port", 7139, "--source-port", 45039)
        self.send("41", "foreign-netns", here, there, "--port", 7127, "--netns",
                  f"/run/netns/{self.lab.names['host']}", namespace="peer")
        self.send("routed-guest", "sendto", GUEST[family], there, "--port", 7128, namespace="guest")
        self.ping(family)

    # The whole.

    def run(self):
        for family in (4, 6):
            self.hold("sink", LOOPBACK[family], LOOPBACK[family], "--port", 7035)
        self.hold("hold-raw", HOST[4], PEER[4])
        detours = Detours(self)
        detours.make()
        tunnels = Tunnels(self)
        tunnels.make()
        captures = [self.tcpdump("any"), self.tcpdump("h0"), self.tcpdump("p0", "peer")]
        for family in (4, 6):
            self.send("37-early", "sendto", HOST[family], PEER[family], "--port", 7130)
        early = [self.open_early("2", mode, HOST[family], PEER[family], "--port", port)
                 for family in (4, 6) for mode, port in (("connected-send", 7131), ("connected-write", 7132))
                 if self.wanted("2")]
        tools = [] if self.options.no_whosent else self.start_whosent()
        for row, mode, child in early:
            self.collect(row, mode, child, b"\n")
        for family in (4, 6):
            self.send_rows(family)
            detours.send(family)
            tunnels.send(family)
        time.sleep(1)
        self.stop_all(tools)
        time.sleep(0.2)
        for family in (4, 6):
            self.send("37-late", "sendto", HOST[family], PEER[family], "--port", 7133)
        # libpcap hands out a block when it is full or a second old, and an interrupt drops what is pending.
        time.sleep(1.3)
        self.stop_all(captures)
        if tools:
            self.join()

    def start_whosent(self):
        whosent = os.path.realpath(self.options.whosent)
        return super().start_whosent() + [
            self.start_tool("record-filtered", [whosent, "record", "-w", self.path("filtered.pcapng"), "udp", "dst",
                                                "port", str(RECORDED_PORT)], "ready\n"),
        ]

    def join(self):
        whosent = os.path.realpath(self.options.whosent)
        for name, capture, evidence in (("join-any", "any.pcap", "evidence.pcapng"),
                                        ("join-h0", "h0.pcap", "evidence.pcapng"),
                                        ("join-peer", "p0.pcap", "evidence.pcapng"),
                                        ("join-filtered", "any.pcap", "filtered.pcapng")):
            self.run_offline(name, [whosent, "join", self.path(capture), "--evidence", self.path(evidence), "--format",
                                    "ndjson"], self.path(f"{name}.ndjson"))
        self.run_offline("join-annotated", [whosent, "join", self.path("any.pcap"), "--evidence",
                                            self.path("evidence.pcapng"), "-w", self.path("join.pcapng")],
                         self.path("join-annotated.txt"))


def main():
    parser = session.parser(__doc__)
    parser.add_argument("--rows", type=lambda text: text.split(","), help="only these rows")
    parser.add_argument("--no-whosent", action="store_true", help="senders and tcpdump alone")
    session.run(AccuracySession, parser.parse_args(), accuracy_network)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Rows 37 (in a loss interval), 38 and 40 of the accuracy matrix: losses that are forced, and floods. Runs one case under
`whosent live`, or under `whosent record` with tcpdump and then `whosent join`, and prints what came of it as JSON.

usage: sudo tools/lab/floods.py CASE --way live|join --whosent BINARY --senders FOLDER --output FOLDER [--packets N]

CASE is loss (the tool is stopped while its smallest ring overflows), volume (8 processes at full speed), hostile
(sockets, processes and flows by the thousand beside two quiet senders, with small tables), or forwarding (a flood through
the host beside a quiet sender). The payloads say who sent each packet; tools/lab/tally.c compares."""
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # run as root, in a folder that may be another user's
from accuracy import OUTSIDE  # noqa: E402
from netlab import accuracy_network  # noqa: E402
import session  # noqa: E402
from session import HOST, PEER  # noqa: E402

VICTIM, SECOND_VICTIM, VOLUME = 0xf10d0001, 0xf10d0002, 0xf10d0003
HOSTILE = {"sockets": 0xf10d0010, "processes": 0xf10d0011, "flows": 0xf10d0012}
FORWARDED = 0xf10d0020
PORT, FLOOD_PORT = 7401, 7402
GATEWAY_MAC = "02:00:5e:00:02:01"
SMALL_TABLES = ["--process-table", "256"]
# Of the flood's frames the capture takes one in 4096: bytes 18 and 19 from the UDP header are the counter's low half.
FORWARDING_FILTER = f"udp dst port {PORT} or (udp dst port {FLOOD_PORT} and udp[18:2] & 0xfff = 0)"


class Floods(session.Session):
    def flood(self, program, kind, token, count, seconds, *extra, namespace="host", source=HOST[4], port=PORT):
        """A sender that stands ready."""
        child = self.lab.start(
            namespace, f"{self.senders}/{program}", kind, f"{token:08x}", source, PEER[4], str(port), str(count),
            str(seconds), *map(str, extra), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if child.stderr.readline().strip() != b"opened":
            raise RuntimeError(f"{program} {kind} did not start")
        return child

    @staticmethod
    def let_go(children):
        for child in children:
            child.stdin.write(b"\n")
            child.stdin.flush()

    @staticmethod
    def ended(children):
        sent = []
        for child in children:
            output, errors = child.communicate(timeout=90)
            if child.returncode:
                raise RuntimeError(f"a flood failed: {errors.decode(errors='replace').strip()}")
            sent.append(json.loads(output))
        return sent

    def tally(self, stdin):
        names = [f"{VICTIM:08x}=victim", f"{SECOND_VICTIM:08x}=victim", f"{VOLUME:08x}=victim",
                 f"{FORWARDED:08x}=forwarded", *(f"{token:08x}=hostile" for token in HOSTILE.values())]
        return subprocess.Popen([f"{self.senders}/tally", *names], stdin=stdin, stdout=subprocess.PIPE, text=True)

    def observe(self, way, options, filter_, send):
        """Runs `send(tools)` under the tools; returns what the tally counted and what was lost on the way."""
        return (self.observe_live if way == "live" else self.observe_joined)(options, filter_, send)

    def observe_live(self, options, filter_, send):
        whosent = os.path.realpath(self.options.whosent)
        reading, writing = os.pipe()
        tally = self.tally(reading)
        os.close(reading)
        tool = self.start_tool("live", [whosent, "live", "-i", "h0", "--format", "ndjson", *options, filter_], "ready\n",
                               stdout=f"/proc/self/fd/{writing}")
        os.close(writing)
        send([tool])
        time.sleep(0.3)
        self.stop_tool(tool, seconds=120)
        result = self.read_tally(tally)
        result["capture_drops"] = result["summary"]["lost"]["capture"]
        return result

    def observe_joined(self, options, filter_, send):
        whosent = os.path.realpath(self.options.whosent)
        capture, evidence = self.path("flood.pcap"), self.path("flood.pcapng")
        tcpdump = self.start_tool("tcpdump", ["tcpdump", "-Z", "root", "-n", "-s", "128", "-B", "65536", "-i", "h0",
                                              "-w", capture, filter_], "listening on")
        record = self.start_tool("record", [whosent, "record", "-w", evidence, *options], "ready\n")
        send([record])
        time.sleep(0.3)
        self.stop_tool(record)
        # libpcap hands out a block when it is full or a second old, and an interrupt drops what is pending.
        time.sleep(1.3)
        self.stop_tool(tcpdump)
        # Evidence is read half a second ahead of the capture: at full speed that is more than the table usually holds.
        join = subprocess.Popen([whosent, "join", capture, "--evidence", evidence, "--format", "ndjson",
                                 "--record-table", "524288"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        started = time.monotonic()
        tally = self.tally(join.stdout)
        join.stdout.close()
        result = self.read_tally(tally)
        self.commands.append({"name": "join", "pid": join.pid, "status": join.wait(),
                              "seconds": round(time.monotonic() - started, 3)})
        result["capture_drops"] = self.dropped()
        result["evidence_bytes"] = os.path.getsize(evidence)
        result["account"] = open(self.path("record.stderr"), encoding="utf-8").read().splitlines()[1:]
        os.unlink(capture)
        return result

    def dropped(self):
        said = open(self.path("tcpdump.stderr"), encoding="utf-8").read()
        found = re.search(r"(\d+) packets dropped by kernel", said)
        if not found:
            raise RuntimeError(f"tcpdump did not say what it dropped: {said}")
        return int(found[1])

    @staticmethod
    def read_tally(tally):
        output, _ = tally.communicate(timeout=150)
        lines = [line for line in output.splitlines() if line]
        if tally.returncode or not lines or "summary" not in lines[-1]:
            raise RuntimeError("there is no summary")
        groups = {int(group["token"], 16): group for group in map(json.loads, lines[:-2])}
        return {"groups": groups, "summary": json.loads(lines[-1])["whosent"]["summary"]}

    def stop_tool(self, tool, number=signal.SIGINT, seconds=30):
        child, entry = tool
        child.send_signal(number)
        try:
            entry["status"] = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            entry["status"] = f"killed: did not end within {seconds} s of the signal"

    def transmitted(self):
        """What the kernel counted on the host's interface."""
        link = json.loads(self.lab.ip("host", "-s", "-j", "link", "show", "dev", "h0"))[0]
        return link["stats64"]["tx"]["packets"]

    # The cases. Each returns the counts of its groups, and of what else has to be right.

    def loss(self, way):
        def send(tools):
            (child, _), = tools
            before = self.ended_steady(101)
            child.send_signal(signal.SIGSTOP)
            try:
                time.sleep(0.1)
                during = self.ended_steady(2003)
                time.sleep(0.1)
            finally:
                child.send_signal(signal.SIGCONT)
            time.sleep(0.5)
            self.sent = before + during
        result = self.observe(way, ["--ring-size", "64"], f"udp port {PORT}", send)
        return self.groups(result, {VICTIM: self.sent})

    def ended_steady(self, count):
        child = self.flood("victim", "steady", VICTIM, count, 10)
        self.let_go([child])
        return self.ended([child])

    def volume(self, way):
        def send(_):
            children = [self.flood("victim", "steady", VOLUME, self.options.packets // 8, 60) for _ in range(8)]
            before = self.transmitted()
            self.let_go(children)
            self.sent = self.ended(children)
            self.counted = self.transmitted() - before
        result = self.observe(way, [], f"udp port {PORT}", send)
        return self.groups(result, {VOLUME: self.sent}) | {"transmitted": self.counted}

    def hostile(self, way):
        def send(_):
            quiet = [self.flood("victim", "steady", token, 701, 30, 3000) for token in (VICTIM, SECOND_VICTIM)]
            loud = [self.flood("hostile", kind, token, 200_000, 3, 20, port=FLOOD_PORT)
                    for kind, token in HOSTILE.items()]
            self.let_go(loud + quiet)
            self.sent = self.ended(quiet + loud)
        options = SMALL_TABLES + (["--record-table", "1024"] if way == "live" else [])
        result = self.observe(way, options, "udp", send)
        tokens = [VICTIM, SECOND_VICTIM, *HOSTILE.values()]
        return self.groups(result, {token: [sent] for token, sent in zip(tokens, self.sent)})

    def forwarding(self, way):
        def send(_):
            quiet = [self.flood("victim", "steady", VICTIM, 701, 30, 3000)]
            loud = [self.flood("flood", "bypass", FORWARDED, 4_000_000, 3, 0, "eth0", GATEWAY_MAC, namespace="guest",
                               source=OUTSIDE[4], port=FLOOD_PORT)]
            before = self.transmitted()
            self.let_go(loud + quiet)
            self.sent = self.ended(quiet + loud)
            self.counted = self.transmitted() - before
        result = self.observe(way, [], FORWARDING_FILTER, send)
        return self.groups(result, {VICTIM: self.sent[:1], FORWARDED: self.sent[1:]}) | {
            "transmitted": self.counted, "seconds": self.sent[1]["seconds"]}

    @staticmethod
    def groups(result, sent):
        for token, senders in sent.items():
            result["groups"][token]["sent"] = sum(sender["sent"] for sender in senders)
            result["groups"][token]["failed"] = sum(sender["failed"] for sender in senders)
        result["groups"] = [result["groups"][token] for token in sent]
        return result


def report(floods):
    """Runs the case and prints what came of it."""
    started = time.monotonic()
    options = floods.options
    result = getattr(floods, options.case)(options.way)
    json.dump(result | {"commands": floods.commands, "case": options.case, "way": options.way,
                        "elapsed": round(time.monotonic() - started, 1)}, sys.stdout)


def main():
    parser = session.parser(__doc__)
    parser.add_argument("case", choices=["loss", "volume", "hostile", "forwarding"])
    parser.add_argument("--way", required=True, choices=["live", "join"])
    parser.add_argument("--packets", type=int, default=2_000_000, help="of the case volume")
    session.run(Floods, parser.parse_args(), accuracy_network, report)


if __name__ == "__main__":
    main()

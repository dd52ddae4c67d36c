#!/usr/bin/env python3
"""Row 32 of the accuracy matrix again and again, with the queue's daemon killed at a random time while packets are on
their way through it. Leaves the truth and what `whosent live` and `whosent record` with `join` said in a folder.

usage: sudo tools/lab/queue_kills.py --whosent BINARY --senders FOLDER --output FOLDER [--repeats 20] [--seed N]

The folder afterwards: truth.ndjson (a line a packet that was sent; some never left), live.ndjson, join-any.ndjson,
session.json (how the commands ended, the seed)."""
import os
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # run as root, in a folder that may be another user's
import session  # noqa: E402
from detours import QUEUE, QUEUED_PORT  # noqa: E402
from netlab import accuracy_network  # noqa: E402
from session import HOST, PEER  # noqa: E402

COUNT, LONGEST_LIFE = 503, 0.03
MODES = ("sendto", "connected-send", "raw-udp")


class KillSession(session.Session):
    """One run: the tools that watch, and senders whose packets a daemon holds that does not live long."""

    def repeat(self, number, chance):
        family, mode = (4, 6)[number % 2], MODES[number % len(MODES)]
        daemon = self.hold("queue-daemon", HOST[4], PEER[4], "--port", QUEUE)
        # A file, since a pipe would hold up the sender.
        with open(self.path("sent"), "wb+") as sent:
            words = self.words("32", mode, HOST[family], PEER[family], "--port", QUEUED_PORT, "--count", COUNT)
            child = self.lab.start("host", *words, stdin=subprocess.DEVNULL, stdout=sent, stderr=subprocess.PIPE)
            time.sleep(chance.uniform(0, LONGEST_LIFE))
            daemon.kill()
            daemon.wait()
            _, errors = child.communicate(timeout=60)
            if child.returncode:
                raise RuntimeError(f"{mode} failed: {errors.decode(errors='replace').strip()}")
            sent.seek(0)
            self.truth.write(sent.read().decode())
        self.truth.flush()

    def run_repeats(self, repeats, chance):
        for tool in ("iptables", "ip6tables"):
            self.lab.run("host", tool, "-A", "OUTPUT", "-p", "udp", "--dport", str(QUEUED_PORT), "-j", "NFQUEUE",
                         "--queue-num", str(QUEUE))
        # The tools begin to look at who uses which socket when they see a queue.
        first = self.hold("queue-daemon", HOST[4], PEER[4], "--port", QUEUE)
        capture = self.tcpdump("any")
        tools = self.start_whosent()
        first.kill()
        first.wait()
        for number in range(repeats):
            self.repeat(number, chance)
        time.sleep(0.5)
        for tool in tools:
            self.stop_tool(tool)
        time.sleep(1.3)
        self.stop_tool(capture)
        whosent = os.path.realpath(self.options.whosent)
        self.run_offline("join-any", [whosent, "join", self.path("any.pcap"), "--evidence",
                                      self.path("evidence.pcapng"), "--format", "ndjson"],
                         self.path("join-any.ndjson"))


def main():
    parser = session.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=20, help="how many daemons are killed")
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="of the times, to repeat a run")
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    session.run(KillSession, options, accuracy_network,
                lambda kills: kills.run_repeats(options.repeats, random.Random(options.seed)))


if __name__ == "__main__":
    main()

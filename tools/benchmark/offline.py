# SPDX-License-Identifier: Apache-2.0
"""`classify` and `join` of a generated capture against tcpdump and tshark, their memory, and what the sizes do."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from basics import BOUND, Failure, Result, compile_tool, first, interleaved, median, run, say, timed

PEER_FILTER = "udp or icmp or icmp6"
# What `join` takes of smaller files, and of frames cut to their headers, is more than of the mix that the bar is of.
SEEN = {"join": 3.0}
# How many packets the mix has that the bars are of.
BARRED_PACKETS = 4_000_000
# Rounds of 40 million packets, each half a minute: with seven the whole run would take more than ten.
LARGE_ROUNDS = 5
PEERS = {"tcpdump": "tcpdump -r -w /dev/null", "tshark": "tshark -q -z io,phs"}


class Files:
    """A generated capture and its evidence; removed afterwards."""

    def __init__(self, folder, generator, packets, snap_length=0):
        self.packets = packets
        self.capture = str(Path(folder) / f"mix-{packets}.pcap")
        self.evidence = str(Path(folder) / f"mix-{packets}.pcapng")
        say(run(generator, self.capture, str(packets), str(snap_length), self.evidence).strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.remove(self.capture)
        os.remove(self.evidence)

    def commands(self, whosent, least=None):
        # -Z root: tcpdump gives up root even for /dev/null, which has nothing to do with what is measured.
        user = ["-Z", "root"] if os.geteuid() == 0 else []
        join = [whosent, "join", self.capture, "--evidence", self.evidence]
        return {
            "tcpdump": ["tcpdump", *user, "-r", self.capture, "-w", "/dev/null", PEER_FILTER],
            "classify": [whosent, "classify", self.capture],
            "join": join,
            "least": [least, self.capture, self.evidence],
            "ndjson": [*join, "--format", "ndjson"],
            "tshark": ["tshark", "-r", self.capture, "-q", "-z", "io,phs"],
        }


def million(packets):
    return f"{packets / 1e6:g} million packets"


def measure_size(arguments, files, rounds, others, least=None):
    """Rows of one size, and what each packet cost; `others` are sides beside those of every size."""
    commands = files.commands(arguments.whosent, least)
    names = ("tcpdump", "classify", "join", *others)
    sides = {name: lambda name=name: timed(commands[name]) for name in names}
    say(f"offline, {million(files.packets)}: warm-up")
    peaks = {name: timed(commands[name], watch=True)[2:] for name in names}
    values = interleaved(sides, rounds, f"offline, {million(files.packets)}")
    rows = []
    # The bars are of the mix of four million packets; --quick has no time for that and takes them as a guard.
    for name, bar in (("classify", 1.0), ("join", 2.0)):
        bar = bar if arguments.quick or files.packets == BARRED_PACKETS else None
        cpu = median([value[1] for value in values[name]])
        rows.append(compared(
            f"`{name}` of {million(files.packets)}, summary", values, name, "tcpdump", bar,
            text=f", {cpu:.3f} s of processors"))
        rows.append(Result(
            f"anonymous memory of that `{name}`", "", "", peaks[name][0], 128, unit="MiB"))
        rows.append(Result(f"mapped file pages of that `{name}`", "", "", peaks[name][1], unit="MiB"))
    if "least" in others:
        rows.append(compared(
            f"`join` of {million(files.packets)}, the least that C does: tools/benchmark/least.c", values, "least", "tcpdump"))
    if "ndjson" in others:
        rows.append(compared(f"`join` of {million(files.packets)}, NDJSON", values, "ndjson", "tcpdump"))
    if "tshark" in others:
        rows.append(compared(f"`join` of {million(files.packets)} beside tshark", values, "join", "tshark"))
    each = {name: median(values[name]) / files.packets for name in ("classify", "join")}
    memory = {name: peaks[name][0] for name in ("classify", "join")}
    return rows, each, memory


def compared(what, values, ours, peer, bar=None, text=""):
    """A row of two sides' seconds; `text` stands behind ours."""
    pairs = [first(one) / first(other) for one, other in zip(values[ours], values[peer])]
    seconds, beside = median(values[ours]), median(values[peer])
    return Result(
        what, f"{seconds:.3f} s{text}", f"{beside:.3f} s, {PEERS[peer]}", seconds / beside, bar, spread=pairs,
        seen=SEEN.get(ours) if bar else None)


def measure(arguments, folder):
    if not shutil.which("tcpdump"):
        raise Failure("tcpdump is not installed", 69)
    generator = compile_tool(folder, "generate", "generate.c", "evidence.c")
    # A line a packet is many bytes, and tshark dissects whole packets: both take seconds for the smallest size already.
    slow = ["ndjson"] + (["tshark"] if shutil.which("tshark") else [])
    sizes = [(400_000, 0, arguments.rounds, ["least", *slow]), (4_000_000, 0, arguments.rounds, ["least"])]
    if arguments.quick:
        sizes = [(400_000, 0, 3, [])]
    if arguments.large:
        sizes.append((40_000_000, 96, min(sizes[-1][2], LARGE_ROUNDS), sizes[-1][3]))
    least = None if arguments.quick else compile_tool(folder, "least", "least.c")
    rows, costs, memories = [], [], []
    for packets, snap_length, rounds, others in sizes:
        with Files(folder, generator, packets, snap_length) as files:
            found, each, memory = measure_size(arguments, files, rounds, others, least)
            rows += found
            costs.append(each)
            memories.append(memory)
    for name in ("classify", "join") if len(sizes) > 1 else ():
        rows.append(Result(
            f"growth: `{name}` a packet, {million(sizes[-1][0])} beside {million(sizes[0][0])}",
            f"{costs[-1][name] * 1e9:.0f} ns", f"{costs[0][name] * 1e9:.0f} ns", costs[-1][name] / costs[0][name]))
        rows.append(Result(
            f"growth: anonymous memory of that `{name}`", f"{memories[-1][name]:.0f} MiB", f"{memories[0][name]:.0f} MiB",
            memories[-1][name] / memories[0][name]))
    return rows


def instructions(arguments, folder, limits):
    """Instructions a packet by callgrind: the same however busy the machine is."""
    if not shutil.which("valgrind"):
        raise Failure("valgrind is not installed", 69)
    generator = compile_tool(folder, "generate", "generate.c", "evidence.c")
    # valgrind cannot read Swift's debugging information.
    program = str(Path(folder) / "whosent")
    run("objcopy", "--strip-debug", arguments.whosent, program)
    rows = []
    counts = {}
    for packets in (1_000, 41_000):
        with Files(folder, generator, packets) as files:
            commands = files.commands(program)
            for name in limits:
                say(f"callgrind: {name} of {packets} packets")
                counts[name, packets] = count_instructions(commands[name])
    for name, limit in limits.items():
        each = (counts[name, 41_000] - counts[name, 1_000]) / 40_000
        rows.append(Result(f"instructions a packet, `{name}`, callgrind", f"{each:,.0f}", "", each, limit, unit=""))
    return rows


def count_instructions(command):
    # One processor, so that no thread's waiting is counted.
    result = subprocess.run(
        [*BOUND, "taskset", "-c", str(min(os.sched_getaffinity(0))), "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    found = re.search(r"Collected\s*:\s*(\d+)", result.stderr)
    if result.returncode or not found:
        raise Failure(f"callgrind of {' '.join(command)}: {result.stderr.strip()[-300:]}")
    return int(found[1])

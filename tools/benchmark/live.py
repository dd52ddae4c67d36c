# SPDX-License-Identifier: Apache-2.0
"""What recording costs a sender, a router and the machine."""

import os
import re
import signal
import statistics
import subprocess
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from basics import BOUND, Failure, Result, compile_tool, interleaved, median, memory, run, say
from lab import PORT, SENDER_ADDRESS, Background, Lab, recording
from programs import EmptyPair, Statistics, program_times

CROWDS = (10, 1_000, 30_000)
# What an empty program took on a quiet machine, in nanoseconds: on a busy one everything takes longer.
QUIET = 35


def measure(arguments, folder):
    if os.geteuid() != 0:
        raise Failure("measuring live makes network namespaces: run it as root, or with --only offline", 77)
    sender = compile_tool(folder, "sender", "sender.c")
    evidence = Path(folder) / "evidence.pcapng"
    cpu = max(os.sched_getaffinity(0))
    seconds = 1 if arguments.quick else arguments.seconds
    rows = []
    with Lab(sender) as lab:
        rows += slow_down(arguments, lab, evidence, cpu, seconds)
        direct, more = in_kernel(arguments, lab, evidence, cpu, seconds)
        rows += more
        if not arguments.quick:
            rows += latency(arguments, lab, 8, "8-byte datagrams, which may be notifications")
            rows += latency(arguments, lab, 16, "16-byte datagrams")
            rows += idle(arguments, evidence)
            rows += crowds(arguments, lab, evidence, cpu)
    with Lab(sender, is_routed=True) as lab:
        rows += forwarding(arguments, lab, evidence, cpu, seconds, direct)
    return rows


def slow_down(arguments, lab, evidence, cpu, seconds):
    lost = []

    def untraced():
        return lab.flood(seconds, cpu)

    def recorded():
        with recording(arguments, evidence):
            rate = lab.flood(seconds, cpu)
        lost.append(rate[1] - recorded_packets(evidence))
        return rate

    def dumped():
        with Background(lab.entered("tcpdump", "-Z", "root", "-i", "veth0", "-w", "/dev/null"), "listening on"):
            return lab.flood(seconds, cpu)

    def watched():
        command = [arguments.whosent, "live", "-i", "veth0", "-w", "/dev/null"]
        with Background(lab.entered(*command), "ready"):
            return lab.flood(seconds, cpu)

    def hooked():
        with EmptyPair():
            return lab.flood(seconds, cpu)

    sides = {"untraced": untraced, "record": recorded}
    if not arguments.quick:
        sides |= {"hooked": hooked, "tcpdump": dumped, "live": watched}
    say("sender: warm-up")
    for side in sides.values():
        side()
    lost.clear()
    rates = interleaved(sides, 3 if arguments.quick else arguments.rounds, "sender")
    rows = [compared("sender slow-down, `record`, 8-byte sends on one core", rates, "record", "untraced", 1.08)]
    if "live" in sides:
        rows.append(compared("sender slow-down, empty programs at the same hooks", rates, "hooked", "untraced", None))
        rows.append(compared("sender slow-down, `tcpdump -w`", rates, "tcpdump", "untraced", None))
        rows.append(compared("sender slow-down, `live -w` beside `tcpdump -w`", rates, "live", "tcpdump", 1.10))
    sent = sum(rate[1] for rate in rates["record"])
    rows.append(Result(
        "sends at full speed that have no record", f"{sum(lost):,}", f"{sent:,} sent", sum(lost), 0, unit=""))
    return rows


def recorded_packets(evidence):
    """How many send records of the lab's sender a file holds."""
    text = run("tcpdump", "--count", "-r", str(evidence), f"src host {SENDER_ADDRESS} and udp dst port {PORT}")
    return int(re.search(r"(\d+) packets?", text)[1])


def compared(what, rates, ours, peer, bar):
    pairs = [before[0] / after[0] for before, after in zip(rates[peer], rates[ours])]
    return Result(
        what, f"{median(rates[ours]):,.0f} sends/s", f"{median(rates[peer]):,.0f} sends/s, {peer}",
        median(rates[peer]) / median(rates[ours]), bar, spread=pairs)


class Cost(NamedTuple):
    """Nanoseconds a packet in the kernel; net, gross and runs by program; what an empty program took."""

    net: float
    gross: float
    programs: dict
    empty: float


class Costs:
    """What programs took between two looks, with and without the counting's own cost."""

    def __init__(self, recorder, empty):
        self.recorder, self.empty = recorder, empty
        self.before = self.look()

    def look(self):
        return program_times(self.recorder.process.pid), self.empty.times()

    def each(self, packets):
        programs, empty = self.look()
        bases = {hook: (empty[hook][0] - before[0]) / max(empty[hook][1] - before[1], 1)
                 for hook, before in self.before[1].items()}
        by_program = {}
        for name, (nanoseconds, runs) in programs.items():
            earlier = self.before[0].get(name, (0, 0))
            spent, count = nanoseconds - earlier[0], runs - earlier[1]
            base = bases["transmit" if name.startswith("transmit") else "egress"]
            if count:
                by_program[name.split("#")[0]] = ((spent - count * base) / packets, spent / packets, count / packets)
        net = sum(cost[0] for cost in by_program.values())
        gross = sum(cost[1] for cost in by_program.values())
        return Cost(net, gross, by_program, statistics.mean(bases.values()))

    def passed(self):
        """How many packets passed the first hook."""
        return (self.look()[1]["egress"][1] - self.before[1]["egress"][1]) / len(self.empty.pairs)


class EmptyPrograms:
    """Attached before the recorder's and behind them: whoever runs first waits for memory that the others find."""

    def __init__(self, *pairs):
        self.pairs = pairs

    def times(self):
        """Nanoseconds and runs by hook."""
        egress = [pair.egress.times() for pair in self.pairs]
        transmit = [pair.transmit.times() for pair in self.pairs]
        return {"egress": tuple(map(sum, zip(*egress))), "transmit": tuple(map(sum, zip(*transmit)))}


@contextmanager
def beside_empty_programs(arguments, evidence):
    with Statistics(), EmptyPair() as first_pair, recording(arguments, evidence) as recorder, EmptyPair() as last_pair:
        yield recorder, EmptyPrograms(first_pair, last_pair)


def in_kernel(arguments, lab, evidence, cpu, seconds):
    """Rows, and what a datagram costs."""
    def cost(mode):
        with beside_empty_programs(arguments, evidence) as (recorder, empty):
            costs = Costs(recorder, empty)
            _, sent = lab.flood(seconds, cpu, mode)
            # A stream's segments are counted by the empty programs, which see what the recorder's see.
            return costs.each(sent if mode == "flood" else costs.passed())

    rounds = interleaved(
        {"datagram": lambda: cost("flood"), "TCP segment": lambda: cost("stream")},
        1 if arguments.quick else arguments.rounds, "in the kernel, ns")
    datagram, segment = middle(rounds["datagram"]), middle(rounds["TCP segment"])
    rows = [Result(
        "in the kernel, an attributed datagram, net of counting", f"{datagram.net:.0f} ns ({datagram.gross:.0f} gross)",
        f"{datagram.empty:.0f} ns, an empty program", datagram.net, 120, unit="ns",
        spread=[one.net for one in rounds["datagram"]], seen=120 * max(datagram.empty / QUIET, 1))]
    for name, (net, gross, runs) in sorted(datagram.programs.items(), key=lambda item: -item[1][1]):
        if runs > 0.01:
            rows.append(Result(
                f"of that, `{name}`", f"{net:.0f} ns ({gross:.0f} gross)", "", net, unit="ns",
                spread=[one.programs[name][0] for one in rounds["datagram"] if name in one.programs]))
    rows.append(Result(
        "in the kernel, a TCP segment, net of counting", f"{segment.net:.1f} ns ({segment.gross:.0f} gross)",
        f"{segment.empty:.0f} ns, an empty program", segment.net, 8, unit="ns",
        spread=[one.net for one in rounds["TCP segment"]], seen=20 * max(segment.empty / QUIET, 1)))
    return datagram.net, rows


def middle(costs):
    """The round with the median: its other figures belong to it."""
    return sorted(costs, key=lambda cost: cost.net)[len(costs) // 2]


def forwarding(arguments, lab, evidence, cpu, seconds, direct):
    def recorded():
        with recording(arguments, evidence):
            return lab.flood(seconds, cpu)

    def hooked():
        with EmptyPair():
            return lab.flood(seconds, cpu)

    def counted():
        with beside_empty_programs(arguments, evidence) as (recorder, empty):
            costs = Costs(recorder, empty)
            _, sent = lab.flood(seconds, cpu)
            return costs.each(sent)

    sides = {"untraced": lambda: lab.flood(seconds, cpu), "record": recorded, "counted, ns": counted}
    if not arguments.quick:
        sides["hooked"] = hooked
    for side in sides.values():
        side()
    rates = interleaved(sides, 3 if arguments.quick else arguments.rounds, "forwarding")
    pairs = [after[0] / before[0] for before, after in zip(rates["untraced"], rates["record"])]
    rows = [Result(
        "throughput of forwarded 8-byte UDP with `record` (its sends are recorded too)",
        f"{median(rates['record']):,.0f}/s", f"{median(rates['untraced']):,.0f}/s untraced",
        median(rates["record"]) / median(rates["untraced"]), 0.95, at_least=True, spread=pairs)]
    if "hooked" in rates:
        rows.append(Result(
            "the same with empty programs at the same hooks", f"{median(rates['hooked']):,.0f}/s",
            f"{median(rates['untraced']):,.0f}/s untraced", median(rates["hooked"]) / median(rates["untraced"])))
    forwarded = middle(rates["counted, ns"])
    rows.append(Result(
        "in the kernel, a forwarded UDP packet, net of counting and of its sending", f"{forwarded.net - direct:.0f} ns",
        f"{direct:.0f} ns, its sending", forwarded.net - direct, 50, unit="ns",
        spread=[one.net - direct for one in rates["counted, ns"]], seen=50 * max(forwarded.empty / QUIET, 1)))
    return rows


def latency(arguments, lab, length, kind):
    """From a datagram's time stamp to its line, and from the start to the first line; `kind` names it in the rows."""
    say(f"live: latency of verdicts, {length} bytes")
    sender = subprocess.Popen(
        [*BOUND, "ip", "netns", "exec", lab.names[0], lab.sender, "pace", lab.target, str(PORT), "8", str(length)],
        stdout=subprocess.DEVNULL)
    begin = time.monotonic()
    process = subprocess.Popen(
        [*BOUND, *lab.entered(arguments.whosent, "live", "-i", "veth0", "--format", "ndjson", "--duration", "6")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    first, delays = None, []
    for line in process.stdout:
        now = datetime.now(timezone.utc)
        moment = re.search(r'"@timestamp":"([^"]+)"', line)
        # The interfaces' own packets have lines too.
        if not moment or f'"payload":{{"length":{length},' not in line:
            continue
        first = first or time.monotonic() - begin
        text = re.sub(r"(\.\d{6})\d*Z", r"\1+00:00", moment[1])
        delays.append((now - datetime.fromisoformat(text)).total_seconds() * 1000)
    process.wait()
    sender.kill()
    sender.wait()
    if len(delays) < 100:
        raise Failure(f"only {len(delays)} lines came of `whosent live`")
    ranks = statistics.quantiles(delays, n=100)
    return [
        Result(f"time to the first verdict, {kind}", f"{first * 1000:.0f} ms", "", first * 1000, unit="ms"),
        Result(f"from a packet to its line, {kind}: median", f"{ranks[49]:.0f} ms", "", ranks[49], unit="ms"),
        Result(f"from a packet to its line, {kind}: 99 of 100", f"{ranks[98]:.0f} ms", "", ranks[98], unit="ms"),
    ]


def idle(arguments, evidence):
    say("record: idle")
    with recording(arguments, evidence) as recorder:
        # What was there before it is looked at first.
        time.sleep(3)
        before = processor_seconds(recorder.process.pid)
        time.sleep(10)
        share = (processor_seconds(recorder.process.pid) - before) / 10 * 100
        anonymous, mapped = memory(recorder.process.pid)
    return [
        Result("processor while nothing is sent by the lab, `record`", f"{share:.2f} %", "", share, 0.5, unit="% of a core"),
        Result("anonymous memory then", f"{anonymous:.1f} MiB", "", anonymous, 48, unit="MiB"),
        Result("mapped file pages then, the BPF maps that it maps among them", f"{mapped:.1f} MiB", "", mapped, unit="MiB"),
    ]


def processor_seconds(pid):
    # Its CPU-time clock (clock_getcpuclockid(3)) counts nanoseconds, /proc/PID/stat ticks of 10 ms: five of them are the bar.
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e9


def crowds(arguments, lab, evidence, cpu):
    """Whether many processes with a socket each make a packet cost more."""
    limit = int(Path("/proc/sys/kernel/pid_max").read_text()) - 1500
    counts = sorted({min(count, limit) for count in CROWDS})
    rounds = interleaved(
        {f"{count:,} processes": lambda count=count: beside_crowd(arguments, lab, evidence, cpu, count) for count in counts},
        arguments.rounds, "growth, ns")
    nets = {count: [cost.net for cost in costs] for count, costs in zip(counts, rounds.values())}
    fewest, most = counts[0], counts[-1]
    return [Result(
        f"growth: a datagram in the kernel with {most:,} processes and sockets beside {fewest:,}",
        ", ".join(f"{median(nets[count]):.0f} ns with {count:,}" for count in counts), "",
        median(nets[most]) / median(nets[fewest]), 1.10,
        spread=[many / few for many, few in zip(nets[most], nets[fewest])])]


def beside_crowd(arguments, lab, evidence, cpu, processes):
    crowd = subprocess.Popen(
        [*BOUND, "ip", "netns", "exec", lab.names[0], lab.sender, "crowd", SENDER_ADDRESS, "0", str(processes)],
        stdout=subprocess.PIPE, text=True)
    try:
        if crowd.stdout.readline().strip() != "there":
            raise Failure("the crowd did not come up")
        with beside_empty_programs(arguments, evidence) as (recorder, empty):
            time.sleep(1)
            costs = Costs(recorder, empty)
            _, sent = lab.flood(1, cpu)
            return costs.each(sent)
    finally:
        crowd.send_signal(signal.SIGTERM)
        crowd.wait(60)
        # They hold its output open: what is measured next waits until the last one has gone.
        crowd.stdout.read()

# SPDX-License-Identifier: Apache-2.0
"""Measures whosent beside its peers on this machine: interleaved rounds, medians, ratios.

  tools/bench [--quick] [--large] [--only offline|live|instructions] [--whosent PATH]
              [--rounds N] [--seconds S] [--write-docs FILE | --no-docs]

offline       `classify` and `join` of generated captures beside tcpdump and tshark
live          what recording costs a sender, a router and the kernel; needs root
instructions  instructions a packet by callgrind: the same however busy the machine is

A run of everything prints its table and puts it into docs/performance.md; one with --quick, --only or fewer than seven rounds,
or where nothing live can be measured, writes nothing unless --write-docs names a file.

The figures are the result: a missed bar does not fail. With --quick, which takes about a minute, a figure beyond twice its
bar does, or twice what was seen where the bar is known to be missed; not before three runs agree, for a machine may be busy.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import live
import offline
from basics import PREFIX, ROOT, Failure, load, machine, say

# Runs of --quick that have to agree on a blunder.
QUICK_RUNS = 3
# Fewer rounds than these are no figures for the document.
DOCUMENTED_ROUNDS = 7
DOCUMENT = ROOT / "docs/performance.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
# Instructions a packet of the generated mix, a tenth above what was seen when they were last set: they creep up unseen.
INSTRUCTIONS = {"classify": 1200, "join": 4000}


def table(results):
    rows = [("what", "whosent", "beside", "figure", "bar", "", "spread, rounds")]
    rows += [(one.what, one.ours, one.peer, one.figure, one.limit, one.verdict, one.range) for one in results]
    return rows


def print_table(results):
    rows = table(results)
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip().replace("**", ""))
    sys.stdout.flush()


def heading(loads):
    return (f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())}: {machine()}; load average {loads[0]:.1f} before, "
            f"{loads[1]:.1f} after.")


def document(arguments):
    """The file that the figures are to be put into, or none; found out before anything is measured."""
    file = arguments.write_docs
    if not file:
        if arguments.no_docs or arguments.quick or arguments.only:
            return None
        if arguments.rounds < DOCUMENTED_ROUNDS or os.geteuid() != 0:
            say(f"{DOCUMENT.name} stays as it is: that takes {DOCUMENTED_ROUNDS} rounds, and root.")
            return None
        file = DOCUMENT
    split(file)
    return file


def split(file):
    """The text of a document before its section of figures, and after it."""
    try:
        text = Path(file).read_text()
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", 66) from None
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise Failure(f"{file} has no section between {BEGIN} and {END}", 65)
    return text[: text.index(BEGIN)], text[text.index(END) + len(END):]


def write_docs(file, results, loads):
    rows = table(results)
    lines = [heading(loads), "", "| " + " | ".join(rows[0]) + " |", "|---|---|---|--:|--:|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows[1:]]
    before, after = split(file)
    Path(file).write_text(before + "\n".join([BEGIN, *lines, END]) + after)
    say(f"wrote {file}")


def parse():
    parser = argparse.ArgumentParser(
        prog="tools/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whosent", default=str(ROOT / ".build/release/whosent"), help="the program to measure")
    parser.add_argument("--only", choices=["offline", "live", "instructions"], action="append")
    parser.add_argument("--quick", action="store_true", help="few rounds, and fail beyond twice a bar")
    parser.add_argument("--large", action="store_true", help="40 million packets too; needs 10 GB in the folder of temporary files")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    parser.add_argument("--seconds", type=float, default=1.5, help="of sending, each time")
    docs = parser.add_mutually_exclusive_group()
    docs.add_argument("--write-docs", metavar="FILE", help="put the figures into this file's section, not into docs/performance.md")
    docs.add_argument("--no-docs", action="store_true", help="only print the figures")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    return arguments


def measure(arguments, folder):
    parts = arguments.only or ["offline", "live", "instructions"]
    results = []
    if "offline" in parts:
        results += offline.measure(arguments, folder)
    if "live" in parts:
        if os.geteuid() == 0:
            results += live.measure(arguments, folder)
        elif arguments.only:
            raise Failure("measuring live needs root: run it with sudo", 77)
        else:
            say("Not root: nothing live is measured.")
    if "instructions" in parts:
        results += offline.instructions(arguments, folder, INSTRUCTIONS)
    return results


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # Also where a shell started this with interrupts ignored: `record` must get its own.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = parse()
    if not os.access(arguments.whosent, os.X_OK):
        raise Failure(f"{arguments.whosent} is not there: build it with `swift build -c release`", 66)
    arguments.whosent = str(Path(arguments.whosent).resolve())
    file = document(arguments)
    blunders = None
    for _ in range(QUICK_RUNS if arguments.quick else 1):
        results = run_once(arguments, file)
        found = {one.what: one for one in results if one.is_blunder}
        blunders = found if blunders is None else {what: found[what] for what in blunders if what in found}
        if not blunders:
            break
        if arguments.quick:
            say("bench: beyond its bounds: " + "; ".join(f"{one.what}: {one.figure}" for one in blunders.values()))
    if not arguments.quick:
        return 0
    for one in blunders.values():
        say(f"bench: a blunder: {one.what}: {one.figure}; the bar is {one.limit}"
            + (f", {one.seen:g} were seen" if one.seen else ""))
    return 1 if blunders else 0


def run_once(arguments, file):
    before = load()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}-") as folder:
        results = measure(arguments, folder)
    loads = before, load()
    print(heading(loads))
    print_table(results)
    if file:
        write_docs(file, results, loads)
    return results


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        say(f"bench: {failure}")
        sys.exit(failure.status)
    except KeyboardInterrupt:
        sys.exit(130)

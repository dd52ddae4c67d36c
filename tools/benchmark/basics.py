# SPDX-License-Identifier: Apache-2.0
"""What all measurements share: running commands, a result, the machine."""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PREFIX = "wsbench"
# What runs in the background ends with this program, even where that is killed outright.
BOUND = ["setpriv", "--pdeathsig", "KILL"]


class Failure(Exception):
    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


@dataclass
class Result:
    """A row of the table. `value` is what the bar is about; a bar of None only shows the value.

    `seen` is what a missed bar's value was when it was last looked at: --quick then fails beyond twice that.
    """

    what: str
    ours: str
    peer: str
    value: float
    bar: float | None = None
    at_least: bool = False
    unit: str = "×"
    spread: list = field(default_factory=list)
    seen: float | None = None

    @property
    def is_met(self):
        if self.bar is None:
            return True
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def is_blunder(self):
        if self.bar is None:
            return False
        limit = self.seen or self.bar
        return self.value < limit / 2 if self.at_least else self.value > limit * 2

    @property
    def figure(self):
        return f"{self.value:,.2f} {self.unit}".strip()

    @property
    def limit(self):
        return "" if self.bar is None else f"{'≥' if self.at_least else '≤'} {self.bar:g} {self.unit}".strip()

    @property
    def range(self):
        return f"{min(self.spread):.2f} to {max(self.spread):.2f}, {len(self.spread)}" if self.spread else ""

    @property
    def verdict(self):
        return "" if self.bar is None else "met" if self.is_met else "**missed**"


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*command, check=True):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and result.returncode:
        raise Failure(f"{' '.join(command)} ended with {result.returncode}: {result.stdout.strip()}")
    return result.stdout


def compile_tool(folder, name, *sources):
    compiler = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    if not compiler:
        raise Failure("no C compiler found: install gcc", 69)
    output = str(Path(folder) / name)
    run(compiler, "-O2", "-o", output, *(str(HERE / source) for source in sources))
    return output


def timed(command, watch=False):
    """Wall seconds, processor seconds, and the peaks of anonymous memory and of mapped files in MiB of a command.

    The peaks are 0 unless asked for: looking takes a processor, which the command may need.
    """
    begin = time.monotonic()
    process = subprocess.Popen(
        [*BOUND, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = []
    drain = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    drain.start()
    anonymous = mapped = 0
    while True:
        finished, status, usage = os.wait4(process.pid, os.WNOHANG if watch else 0)
        if finished:
            break
        now = memory(process.pid)
        anonymous, mapped = max(anonymous, now[0]), max(mapped, now[1])
        time.sleep(0.005)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    drain.join(5)
    if process.returncode:
        message = b"".join(errors).decode(errors="replace").strip()
        raise Failure(f"{' '.join(command)} ended with {process.returncode}: {message}")
    return wall, usage.ru_utime + usage.ru_stime, anonymous, mapped


def memory(pid):
    """RssAnon and RssFile in MiB: what is the process's own, and pages of files that it maps."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return tuple(int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("RssAnon", "RssFile"))
    except (OSError, TypeError):
        return 0, 0


def interleaved(sides, rounds, begin):
    """Calls each of `sides` (name: function) once a round, in changing order; the values by name."""
    values = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        for name in names[number % len(names):] + names[: number % len(names)]:
            values[name].append(sides[name]())
        say(f"{begin}: round {number + 1} of {rounds}: "
            + ", ".join(f"{name} {first(values[name][-1]):,.3f}" for name in names))
    return values


def first(value):
    return value[0] if isinstance(value, tuple) else value


def median(values):
    return statistics.median(first(value) for value in values)


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return (f"{os.cpu_count()} × {model[1].strip() if model else platform.machine()}, "
            f"Linux {platform.release()}, {run('tcpdump', '--version').splitlines()[0]}")


def load():
    return os.getloadavg()[0]

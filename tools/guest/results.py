#!/usr/bin/env python3
"""Prints what one kernel's run of the accuracy suites came to, and leaves it as JSON.

usage: tools/guest/results.py RUN OUTPUT

RUN is the folder that tools/guest/init.py handed out, after the suites judged it. OUTPUT then holds: kernel (the release),
requirements (whosent doctor's), rows (of each lab's results.json: one object a row, way and IP version), failures (what
the tests said against it)."""
import glob
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from document import COUNTS, gather  # noqa: E402

def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def print_table(rows):
    print(f"{'row':<14}{'expected':<34}" + "".join(f"{name:>11}" for name in COUNTS) + "  what")
    for (row, title, expected), entry in gather(rows):
        if entry["notRun"]:
            print(f"{row:<14}{expected:<34}  not run: {entry['notRun']}")
        else:
            print(f"{row:<14}{expected:<34}" + "".join(f"{entry[name]:>11}" for name in COUNTS) + f"  {title}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    run, output = sys.argv[1:]
    release = read_lines(f"{run}/release")[0]
    failures = read_lines(f"{run}/failures")
    rows = []
    for path in sorted(glob.glob(f"{run}/*/results.json")):
        with open(path, encoding="utf-8") as file:
            rows += json.load(file)
    if not rows:
        failures.append("the suites could not judge the run")
    requirements = [json.loads(line) for line in read_lines(f"{run}/doctor.out")]
    os.makedirs(os.path.dirname(output), exist_ok=True)
    with open(output, "w", encoding="utf-8") as file:
        json.dump({"kernel": release, "requirements": requirements, "rows": rows, "failures": failures}, file, indent=1)
        file.write("\n")
    print(f"Linux {release} (each packet counts once for each way and IP version in which it was judged)")
    print_table(rows)
    for requirement in requirements:
        if requirement["state"] != "met":
            print(f"doctor: {requirement['requirement']}: {requirement['detail']}")
    for failure in failures:
        print(f"failed: {failure[:1000]}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

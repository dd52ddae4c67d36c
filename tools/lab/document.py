#!/usr/bin/env python3
"""Writes the accuracy document from the results of the last runs: tools/lab/document.py FOLDER >docs/accuracy.md

FOLDER holds a file a kernel, KERNEL.json: an object with "kernel", its release, and "rows", as the accuracy tests leave
them in results.json."""
import json
import os
import re
import sys

MATRIX = ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 14b 14c 15 16 17 18 19 20 21 22 23 24 25 26 27 28 28b 29 30 31 31b 32 32b 33 "
          "34 35 36 37 38 39 40 41 42 43").split()
COUNTS = ("sent", "right", "unknown", "incomplete", "miscounted", "wrong")
BEGIN = """# Accuracy

Written by `tools/accuracy` from the last runs; do not edit. Each row is a way in which packets leave a machine, sent by processes whose ids the test knows. Every packet's verdict is
compared with the truth: by `live`, and by `record` with `tcpdump` and then `join` (on all interfaces, and on one Ethernet interface), IPv4 and IPv6.
The figures are the sum of those. Numbers in brackets are packets that were not seen as often as they were sent.
Linux 5.10, 6.1 and 6.12 are Debian's kernels in emulated machines (`tools/kernels`).

- **right**: the expected verdict, and where it is a process its pid, thread, name, executable, arguments and parent too.
- **unknown**: `unknown` where it should have been known.
- **weaker**: the true process or verdict, but less sure or with less than the truth.
- **wrong**: another process, or a verdict that is not true.
"""


def order(row):
    """The matrix's rows by number, then those that only the tests have."""
    number = re.match(r"\d+", row)
    return (0, int(number[0]), row) if number else (1, 0, row)


def read(folder):
    kernels = {}
    for name in os.listdir(folder):
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                run = json.load(file)
            kernels[run["kernel"]] = run["rows"]
    return dict(sorted(kernels.items(), key=lambda item: [int(part) for part in re.findall(r"\d+", item[0])]))


def gather(results):
    """The results by row and title: counts over families and ways, or the reason why it was not run."""
    rows = {}
    for result in results:
        key = (result["row"], result["title"], result["expected"])
        entry = rows.setdefault(key, dict.fromkeys(COUNTS, 0) | {"notRun": None})
        entry["notRun"] = entry["notRun"] or result.get("notRun")
        for count in COUNTS:
            entry[count] += result[count]
    return sorted(rows.items(), key=lambda item: (order(item[0][0]), item[0]))


def escaped(text):
    return text.replace("|", "\\|")


def write_kernel(kernel, rows):
    print(f"\n## Linux {kernel}\n\n| row | way | expected | sent | right | unknown | weaker | wrong |")
    print("|---|---|---|--:|--:|--:|--:|--:|")
    for (row, title, expected), entry in rows:
        if not entry["notRun"]:
            missed = f" ({entry['miscounted']})" if entry["miscounted"] else ""
            print(f"| {row} | {escaped(title)} | {escaped(expected)} | {entry['sent']}{missed} | {entry['right']} | "
                  f"{entry['unknown']} | {entry['incomplete']} | {entry['wrong']} |")
    skipped = {row: (title, entry["notRun"]) for (row, title, _), entry in rows if entry["notRun"]}
    if skipped:
        print("\nNot run, as this kernel cannot:\n")
    for row, (title, reason) in skipped.items():
        reason = re.sub(r"whosent-lab-\d+-", "", reason)
        print(f"- {row}, {title}: `{reason}`")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    kernels = {kernel: gather(results) for kernel, results in read(sys.argv[1]).items()}
    print(BEGIN)
    print("| kernel | rows run | not run | packets judged | right | wrong |\n|---|--:|--:|--:|--:|--:|")
    tested = set()
    for kernel, rows in kernels.items():
        run = [entry for _, entry in rows if not entry["notRun"]]
        tested |= {match[0] for (row, _, _), _ in rows if (match := re.match(r"\d+[bc]?", row))}
        print(f"| {kernel} | {len(run)} | {len(rows) - len(run)} | {sum(entry['sent'] for entry in run)} | "
              f"{sum(entry['right'] for entry in run)} | {sum(entry['wrong'] for entry in run)} |")
    missing = [row for row in MATRIX if row not in tested]
    if missing:
        print(f"\nRows of the matrix that these runs do not have: {', '.join(missing)}.")
    for kernel, rows in kernels.items():
        write_kernel(kernel, rows)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""An independent witness for NDJSON output.

usage: validate_ndjson.py SCHEMA FILE [--filtered]

Checks that every line of FILE ('-' for standard input) is one JSON object without repeated members that validates
against the JSON Schema SCHEMA, that the last line and no other is the summary, that frames rise within each capture,
and that the summary's counts add up: verdicts to packets, and both verdicts and tags to what the lines say. With
--filtered (an output filter or a count was given) the lines may be fewer than the summary counts, never more.

Exit: 0 all well, 1 something is not (said on standard error), 2 usage.
"""
import collections
import json
import sys

import jsonschema


def members_once(pairs):
    names = [name for name, _ in pairs]
    repeated = [name for name, count in collections.Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"repeated members: {', '.join(repeated)}")
    return dict(pairs)


def objects(data, problems):
    """The file's objects with their line numbers; what is not an object is a problem."""
    if data and not data.endswith(b"\n"):
        problems.append("the last line has no end")
    for number, line in enumerate(data.split(b"\n")[: data.count(b"\n")], 1):
        try:
            value = json.loads(line.decode("utf-8"), object_pairs_hook=members_once, parse_constant=refuse)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        yield number, value


def refuse(word):
    raise ValueError(f"{word} is not JSON")


def check_counts(summary, verdicts, tags, lines, filtered, problems):
    def compare(what, counted, stated):
        if counted > stated or (counted != stated and not filtered):
            problems.append(f"summary: {stated} {what}, but the lines have {counted}")

    total = sum(summary["verdicts"].values())
    if total != summary["packets"]:
        problems.append(f"summary: {summary['packets']} packets, but the verdicts add up to {total}")
    if summary.get("distinct_packets", 0) > summary["packets"]:
        problems.append("summary: more distinct packets than packets")
    if summary["unmatched_records"] > summary["records"]:
        problems.append("summary: more unmatched records than records")
    compare("packets", lines, summary["packets"])
    for name in sorted(set(verdicts) | set(summary["verdicts"])):
        compare(f"with verdict {name}", verdicts[name], summary["verdicts"].get(name, 0))
    for name in sorted(set(tags) | set(summary["tags"])):
        compare(f"tagged {name}", tags[name], summary["tags"].get(name, 0))


def main(arguments):
    filtered = "--filtered" in arguments
    names = [argument for argument in arguments if argument != "--filtered"]
    if len(names) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(names[0], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    # One branch of the schema's oneOf at a time: the errors then say what is wrong and not that neither fits.
    kinds = {
        kind: jsonschema.Draft202012Validator({**schema, "oneOf": [{"$ref": f"#/$defs/{kind}"}]})
        for kind in ("packet", "summary")
    }
    if names[1] == "-":
        data = sys.stdin.buffer.read()
    else:
        with open(names[1], "rb") as file:
            data = file.read()

    problems, summaries, lines, last = [], [], 0, 0
    verdicts, tags, frames = collections.Counter(), collections.Counter(), {}
    for number, value in objects(data, problems):
        last = number
        is_summary = isinstance(value, dict) and "summary" in value.get("whosent", {})
        for error in kinds["summary" if is_summary else "packet"].iter_errors(value):
            for cause in error.context or [error]:
                where = "/".join(str(step) for step in cause.absolute_path) or "(the object)"
                problems.append(f"line {number}: {where}: {cause.message}")
        if is_summary:
            summaries.append((number, value["whosent"]["summary"]))
            continue
        if not isinstance(value, dict) or not isinstance(value.get("whosent"), dict):
            continue
        own = value["whosent"]
        lines += 1
        verdicts[own.get("verdict")] += 1
        if "tag" in own:
            tags[own["tag"]] += 1
        capture = own.get("capture")
        if own.get("frame", 0) <= frames.get(capture, 0):
            problems.append(f"line {number}: frame {own.get('frame')} of {capture} after {frames[capture]}")
        frames[capture] = own.get("frame", 0)

    if len(summaries) != 1 or summaries[0][0] != last:
        problems.append(f"{len(summaries)} summaries, in lines {[number for number, _ in summaries]}, of {last} lines")
    elif not problems:
        check_counts(summaries[0][1], verdicts, tags, lines, filtered, problems)
    for problem in problems[:50]:
        print(problem, file=sys.stderr)
    if len(problems) > 50:
        print(f"and {len(problems) - 50} more", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

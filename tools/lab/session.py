"""What the lab's runs have in common: tools that watch in namespaces, senders that tell the truth, and the files they leave."""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

from netlab import Netlab

PEER = {4: "192.0.2.2", 6: "2001:db8:1::2"}
HOST = {4: "192.0.2.1", 6: "2001:db8:1::1"}


class Session:
    """One run: the tools that watch, the senders, and the files they leave."""

    def __init__(self, lab, options):
        self.lab = lab
        self.options = options
        self.folder = os.path.abspath(options.output)
        self.senders = os.path.realpath(options.senders)
        self.tokens = 0x5e000000
        self.truth = open(self.path("truth.ndjson"), "w", encoding="utf-8")
        self.commands = []
        self.skipped = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    # The tools that watch.

    def start_tool(self, name, words, ready, stdout=None, namespace="host"):
        """Starts a tool in a namespace and waits until its standard error shows the line."""
        started = time.monotonic()
        with open(self.path(f"{name}.stderr"), "wb") as errors, open(stdout or os.devnull, "wb") as output:
            child = self.lab.start(namespace, *words, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        entry = {"name": name, "command": words, "pid": child.pid}
        self.commands.append(entry)
        while ready not in open(self.path(f"{name}.stderr"), errors="replace").read():
            if child.poll() is not None or time.monotonic() - started > 30:
                said = open(self.path(f"{name}.stderr"), errors="replace").read().strip()
                entry["status"] = child.poll()
                raise RuntimeError(f"{name} did not become ready (status {child.poll()}): {said}")
            time.sleep(0.01)
        entry["ready_after"] = round(time.monotonic() - started, 3)
        return child, entry

    def stop_tool(self, tool, number=signal.SIGINT):
        child, entry = tool
        started = time.monotonic()
        child.send_signal(number)
        try:
            entry["status"] = child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()
            entry["status"] = "killed: did not end within 30 s of the signal"
        entry["ended_after"] = round(time.monotonic() - started, 3)

    def run_offline(self, name, words, stdout):
        started = time.monotonic()
        with open(self.path(f"{name}.stderr"), "wb") as errors, open(stdout, "wb") as output:
            result = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, timeout=120)
        self.commands.append({"name": name, "command": words, "status": result.returncode,
                              "seconds": round(time.monotonic() - started, 3)})

    # The senders.

    def words(self, row, mode, source, destination, *extra):
        self.tokens += 1
        return [f"{self.senders}/sender", mode, "--row", row, "--token", f"{self.tokens:08x}", "--source", source,
                "--destination", destination, *map(str, extra)]

    def wanted(self, row):
        return not self.options.rows or row in self.options.rows

    def skip(self, row, reason):
        """Notes that this kernel cannot run a row."""
        self.skipped[row] = " ".join(reason.split())

    def send(self, row, mode, source, destination, *extra, namespace="host", seen=None, cgroup=None, descriptors=()):
        """Runs a sender to its end. `seen`: the addresses that translation gives its packets on their way."""
        if not self.wanted(row):
            return
        child = self.lab.start(namespace, *self.words(row, mode, source, destination, *extra), cgroup=cgroup,
                               pass_fds=descriptors, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        self.collect(row, mode, child, seen=seen)

    def send_together(self, senders, namespaces, seen=None, until=lambda: None):
        """Starts senders that wait, and lets them go at the same moment, once `until` has returned."""
        if not self.wanted(senders[0][0]):
            return
        children = []
        for words, namespace in zip(senders, namespaces):
            child = self.lab.start(namespace, *self.words(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
            child.stderr.readline()
            children.append(child)
        until()
        for child in children:
            child.stdin.write(b"\n")
            child.stdin.flush()
        for words, child in zip(senders, children):
            self.collect(words[0], words[1], child, seen=seen)

    def collect(self, row, mode, child, given=None, seen=None):
        output, errors = child.communicate(given, timeout=60)
        if child.returncode:
            raise RuntimeError(f"the sender of row {row} ({mode}) failed: {errors.decode(errors='replace').strip()}")
        for line in output.decode().splitlines():
            fields = json.loads(line) | {f"seen_{key}": value for key, value in (seen or {}).items()}
            self.truth.write(json.dumps(fields) + "\n")
        self.truth.flush()

    def open_early(self, row, mode, source, destination, *extra):
        """A sender whose socket is open now and which sends when told to."""
        child = self.lab.start("host", *self.words(row, mode, source, destination, "--wait", *extra),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stderr.readline()
        return row, mode, child

    def hold(self, mode, source, destination, *extra):
        """A process that only has something open until the end."""
        child = self.lab.start("host", *self.words("hold", mode, source, destination, *extra),
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = child.stderr.readline().decode(errors="replace").strip()
        if said != "opened":
            raise RuntimeError(f"{mode}: {said}")
        return child

    # The whole.

    def tcpdump(self, interface, namespace="host"):
        return self.start_tool(f"tcpdump-{interface}", ["tcpdump", "-Z", "root", "-n", "-U", "-B", "16384", "-i",
                                                        interface, "-w", self.path(f"{interface}.pcap")],
                               "listening on", namespace=namespace)

    def start_whosent(self):
        """`live` and `record`, both on everything."""
        whosent = os.path.realpath(self.options.whosent)
        return [
            self.start_tool("live", [whosent, "live", "-i", "any", "-w", self.path("live.pcapng"), "--print",
                                     "--format", "ndjson"], "ready\n", self.path("live.ndjson")),
            self.start_tool("record", [whosent, "record", "-w", self.path("evidence.pcapng")], "ready\n"),
        ]

    def stop_all(self, tools):
        for tool in tools:
            self.stop_tool(tool)

    def make_each(self, parts):
        """Makes the parts of a network that rows need: (function, rows) each.

        Returns the functions of those that are not there: no row is wanted, or this kernel cannot."""
        missing = set()
        for make, rows in parts:
            rows = [row for row in rows if self.wanted(row)]
            if not rows:
                missing.add(make)
                continue
            try:
                make()
            except (RuntimeError, FileNotFoundError) as problem:
                missing.add(make)
                for row in rows:
                    self.skip(row, str(problem))
        return missing

    def close(self, failure):
        self.truth.close()
        with open(self.path("session.json"), "w", encoding="utf-8") as file:
            json.dump({"failure": failure, "skipped": self.skipped, "namespaces": self.lab.names,
                       "commands": self.commands}, file, indent=1)


def parser(documentation):
    """The options that every run has; `documentation` is the program's."""
    result = argparse.ArgumentParser(description=documentation.split("\n\n", maxsplit=1)[0])
    result.add_argument("--whosent", default="whosent", help="the binary to run")
    result.add_argument("--senders", required=True, help="the folder that tools/lab/build made")
    result.add_argument("--output", required=True, help="where the files go")
    result.set_defaults(rows=None)
    return result


def run(kind, options, network, act=lambda session: session.run(), lab_kind=Netlab):
    """Makes the network and a session, has it act, and takes everything down again, whatever happens."""
    os.makedirs(options.output, exist_ok=True)
    with lab_kind() as lab:
        session = kind(lab, options)
        failure = "the session was interrupted"
        try:
            network(lab)
            act(session)
            failure = None
        except (RuntimeError, subprocess.TimeoutExpired, OSError) as problem:
            failure = str(problem)
        finally:
            # What the senders still hold (control groups, files) can only go after them.
            lab.close()
            session.close(failure)
    if failure:
        sys.exit(f"tools/lab/{os.path.basename(sys.argv[0])}: {failure}")

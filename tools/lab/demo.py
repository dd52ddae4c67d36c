#!/usr/bin/env python3
"""Shows the main job: four programs send packets, `whosent live` names them.

usage: sudo tools/lab/demo.py --whosent BINARY --senders FOLDER --output FOLDER

In namespaces of its own: a notifier that sends 8-byte datagrams to many ports, a pinger with a 1-byte payload of 0x3F,
a DNS client, and an innocent ping. Leaves annotated.pcapng and evidence.pcapng in the folder."""
import argparse
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # run as root, in a folder that may be another user's
from netlab import Netlab  # noqa: E402

SECONDS, CLIENTS = 4, 12
SERVER, FIRST_CLIENT = "192.0.2.1", "192.0.2.10"


def office(lab):
    for short in ("server", "clients"):
        lab.add(short)
    clients = [f"192.0.2.{10 + number}/24" for number in range(CLIENTS)]
    lab.connect(("server", "eth0", "02:00:5e:00:00:01", [f"{SERVER}/24"]),
                ("clients", "eth0", "02:00:5e:00:00:02", clients))


def wait_for(path, text, child):
    for _ in range(3000):
        said = open(path, errors="replace").read()
        if text in said:
            return
        if child.poll() is not None:
            sys.stderr.write(said)
            sys.exit(child.returncode or 1)
        time.sleep(0.01)
    sys.exit(f"tools/lab/demo.py: the command did not say '{text.strip()}' within 30 s")


def start_tool(lab, folder, name, words, stdout):
    path = os.path.join(folder, f"{name}.log")
    with open(path, "wb") as errors:
        child = lab.start("server", *words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=errors)
    wait_for(path, "ready\n", child)
    return child


def send(lab, senders):
    far = lab.start("clients", f"{senders}/far-side", FIRST_CLIENT, str(CLIENTS), stdin=subprocess.PIPE,
                    stderr=subprocess.PIPE)
    far.stderr.readline()
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    programs = [
        lab.start("server", f"{senders}/notifier", str(SECONDS), FIRST_CLIENT, str(CLIENTS), **quiet),
        lab.start("server", f"{senders}/pinger", str(SECONDS), FIRST_CLIENT, **quiet),
        lab.start("server", f"{senders}/dns-client", str(SECONDS), FIRST_CLIENT, **quiet),
        lab.start("server", "ping", "-c", str(SECONDS * 2), "-i", "0.5", "192.0.2.12", **quiet),
    ]
    for program in programs:
        if program.wait(timeout=SECONDS * 5):
            sys.exit(f"tools/lab/demo.py: {program.args[4]} failed with status {program.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for option in ("whosent", "senders", "output"):
        parser.add_argument(f"--{option}", required=True)
    options = parser.parse_args()
    folder = os.path.abspath(options.output)
    os.makedirs(folder, exist_ok=True)
    whosent, senders = os.path.realpath(options.whosent), os.path.realpath(options.senders)
    with Netlab() as lab:
        office(lab)
        tools = [
            start_tool(lab, folder, "record", [whosent, "record", "-w", os.path.join(folder, "evidence.pcapng")],
                       subprocess.DEVNULL),
            start_tool(lab, folder, "live", [whosent, "live", "-i", "any", "-w",
                                             os.path.join(folder, "annotated.pcapng")], None),
        ]
        send(lab, senders)
        time.sleep(1.2)
        for tool in reversed(tools):
            tool.send_signal(signal.SIGINT)
            if tool.wait(timeout=30):
                sys.exit(tool.returncode)
    for name in ("record", "live"):
        os.remove(os.path.join(folder, f"{name}.log"))


if __name__ == "__main__":
    main()

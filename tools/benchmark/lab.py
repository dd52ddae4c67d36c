# SPDX-License-Identifier: Apache-2.0
"""Namespaces with traffic in them, and the recorders that watch it; removed whatever happens."""

import atexit
import re
import signal
import subprocess
import threading
from pathlib import Path

import os

from basics import BOUND, PREFIX, Failure, run, say

SENDER_ADDRESS, ROUTER_NEAR, SINK_ADDRESS, ROUTER_FAR, FAR_ADDRESS = (
    "192.0.2.1", "192.0.2.2", "192.0.2.2", "198.51.100.1", "198.51.100.2")
PORT = 20000


class Lab:
    """A sender and a sink with a veth pair between them, or with a router that forwards."""

    def __init__(self, sender, is_routed=False):
        self.sender = sender
        self.is_routed = is_routed
        self.names = [f"{PREFIX}-{os.getpid()}-{side}" for side in ("arb" if is_routed else "ab")]
        self.target = FAR_ADDRESS if is_routed else SINK_ADDRESS
        self.sinks = []

    def __enter__(self):
        self.remove_leftovers()
        atexit.register(self.close)
        for name in self.names:
            run("ip", "netns", "add", name)
        self.connect(self.names[0], self.names[1], "veth0", SENDER_ADDRESS, SINK_ADDRESS)
        # A port for each of a crowd's sockets, and one for the sender: below 50000, for a counter of 8 bytes from above is
        # taken for Discord's at once, where every other one waits for its tag.
        self.inside(self.names[0], "sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 49999")
        if self.is_routed:
            near, router, far = self.names
            self.connect(router, far, "veth1", ROUTER_FAR, FAR_ADDRESS)
            self.inside(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            run("ip", "-n", near, "route", "add", "default", "via", ROUTER_NEAR)
            run("ip", "-n", far, "route", "add", "default", "via", ROUTER_FAR)
        for mode in ("sink", "accept"):
            self.sinks.append(subprocess.Popen(
                [*BOUND, "ip", "netns", "exec", self.names[-1], self.sender, mode, self.target, str(PORT)],
                stdout=subprocess.PIPE, text=True))
            if self.sinks[-1].stdout.readline().strip() != "bound":
                raise Failure("the receiver could not bind its port")
        return self

    @staticmethod
    def connect(near, far, device, near_address, far_address):
        run("ip", "-n", near, "link", "add", device, "type", "veth", "peer", "name", device, "netns", far)
        for name, address in ((near, near_address), (far, far_address)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")

    def inside(self, name, *command):
        return run("ip", "netns", "exec", name, *command)

    def __exit__(self, *_):
        self.close()

    def close(self):
        for sink in self.sinks:
            sink.kill()
            sink.wait()
        self.sinks = []
        for name in self.names:
            run("ip", "netns", "delete", name, check=False)
        atexit.unregister(self.close)

    @staticmethod
    def remove_leftovers():
        """Namespaces of a run that was killed outright."""
        for line in run("ip", "netns", "list").splitlines():
            match = re.match(rf"({PREFIX}-(\d+)-[arb])\b", line)
            if match and not Path(f"/proc/{match[2]}").exists():
                run("ip", "netns", "delete", match[1], check=False)

    def flood(self, seconds, cpu, mode="flood"):
        """Sends a second, and sends, as the sender itself counted."""
        text = self.inside(self.names[0], self.sender, mode, self.target, str(PORT), str(seconds), str(cpu))
        sent, nanoseconds, failed = map(int, text.split())
        if failed:
            say(f"  {failed} sends failed")
        return sent / nanoseconds * 1e9, sent

    def entered(self, *command):
        """A command in the sender's network, with this machine's own mounts."""
        return ["nsenter", f"--net=/run/netns/{self.names[0]}", *command]


class Background:
    """A program that runs meanwhile, from the line that says it is ready to its end by an interrupt."""

    def __init__(self, command, ready):
        self.command = [*BOUND, *command]
        self.ready_line = ready
        self.lines = []

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        try:
            if not self.ready.wait(30) or not any(self.ready_line in line for line in self.lines):
                raise Failure(f"{' '.join(self.command)} did not become ready: {' / '.join(self.lines[-3:])}")
        except BaseException:
            self.stop()
            raise
        return self

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.strip())
            if self.ready_line in line:
                self.ready.set()
        self.ready.set()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failure(f"{self.command[3]} did not end within 30 s of an interrupt") from None
        self.reader.join(5)

    def __exit__(self, *_):
        self.stop()


def recording(arguments, path):
    """`whosent record` of the whole machine."""
    return Background([arguments.whosent, "record", "-w", str(path)], "ready")

#!/usr/bin/env python3
"""Network namespaces for tests: made under names of their own, removed whatever happens.

usage: sudo tools/lab/netlab.py      makes the accuracy tests' network, prints its names and waits for the end of standard input

            guest                       outside (a TAP device: no process of this machine sends there)
              | eth0 198.51.100.130        |
              | g0   198.51.100.129        | tap0 203.0.113.1
            host ---------------------------
              | h0   192.0.2.1             | h1   198.51.100.1 (segments UDP in software)
              | p0   192.0.2.2             | p1   198.51.100.2
            peer ---------------------------
"""
import atexit
import ctypes
import glob
import os
import signal
import subprocess
import sys
import time

PREFIX = "whosent-lab"
PR_SET_PDEATHSIG = 1
DISCARD_UDP_EXCEPT = 7001


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def command(*words, check=True):
    result = subprocess.run(words, capture_output=True, text=True)
    if check and result.returncode:
        raise RuntimeError(f"{' '.join(words)}: {result.stderr.strip() or result.returncode}")
    return result.stdout


class Netlab:
    """A set of namespaces with this process's id in their names, and the processes started in them."""

    def __init__(self):
        self.names = {}
        self.children = []
        self.owner = os.getpid()

    def __enter__(self):
        if os.geteuid() != 0:
            raise PermissionError("namespaces need root")
        sweep()
        atexit.register(self.close)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, frame: sys.exit(128 + received))
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends every process of the namespaces and removes them; may be called again."""
        if os.getpid() != self.owner:
            return
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream and not stream.closed:
                    stream.close()
        self.children = []
        for name in self.names.values():
            remove(name)
        self.names = {}

    def add(self, short):
        name = f"{PREFIX}-{self.owner}-{short}"
        command("ip", "netns", "add", name)
        self.names[short] = name
        self.ip(short, "link", "set", "lo", "up")
        self.sysctl(short, {
            "net.ipv4.ping_group_range": "0 2147483647",
            # No type is limited: with a rate of 0 alone the machine's limit on unreachables still holds.
            "net.ipv4.icmp_ratemask": "0",
            "net.ipv4.icmp_ratelimit": "0",
            "net.ipv6.icmp.ratemask": "",
            "net.ipv6.icmp.ratelimit": "0",
            "net.ipv4.conf.all.rp_filter": "0",
            "net.ipv4.conf.default.rp_filter": "0",
            "net.ipv6.conf.all.accept_dad": "0",
            "net.ipv6.conf.default.accept_dad": "0",
            "net.ipv6.conf.default.accept_ra": "0",
            "net.ipv6.conf.default.router_solicitations": "0",
            "net.ipv6.conf.default.mldv2_unsolicited_report_interval": "10",
        })
        return name

    def ip(self, short, *words):
        return command("ip", "-n", self.names[short], *words)

    def run(self, short, *words, check=True):
        return command("ip", "netns", "exec", self.names[short], *words, check=check)

    def sysctl(self, short, settings):
        self.run(short, "sysctl", "-qw", *(f"{key}={value}" for key, value in settings.items()))

    def start(self, short, *words, cgroup=None, **options):
        """A process in the namespace; `ip netns exec` becomes it, so its pid is the child's."""
        def prepare():
            die_with_parent()
            if cgroup:
                with open(f"{cgroup}/cgroup.procs", "w", encoding="ascii") as file:
                    file.write("0")

        child = subprocess.Popen(["ip", "netns", "exec", self.names[short], *words], preexec_fn=prepare, **options)
        self.children.append(child)
        return child

    def connect(self, left, right):
        """A veth pair; each end is (namespace, interface, mac, addresses). Neighbours are known from the start."""
        (left_ns, left_if, left_mac, _), (right_ns, right_if, right_mac, _) = left, right
        command("ip", "link", "add", left_if, "address", left_mac, "netns", self.names[left_ns], "type", "veth",
                "peer", "name", right_if, "address", right_mac, "netns", self.names[right_ns])
        for (namespace, interface, _, addresses), (_, _, other_mac, others) in ((left, right), (right, left)):
            self.bring_up(namespace, interface, addresses)
            for address in others:
                self.ip(namespace, "neighbour", "replace", address.split("/")[0], "lladdr", other_mac, "nud",
                        "permanent", "dev", interface)

    def bring_up(self, namespace, interface, addresses):
        self.ip(namespace, "link", "set", interface, "addrgenmode", "none")
        self.ip(namespace, "link", "set", interface, "up")
        for address in addresses:
            extra = ["nodad"] if ":" in address else ["broadcast", "+"]
            self.ip(namespace, "address", "add", address, "dev", interface, *extra)

    @staticmethod
    def cgroup_root():
        """Where the second version's hierarchy of control groups is mounted."""
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            for line in mounts:
                _, folder, kind, *_ = line.split()
                if kind == "cgroup2":
                    return folder
        raise RuntimeError("no cgroup2 hierarchy is mounted")

    def tap(self, namespace, interface, mac, addresses, neighbours, neighbour_mac):
        self.ip(namespace, "tuntap", "add", "dev", interface, "mode", "tap")
        self.ip(namespace, "link", "set", interface, "address", mac)
        self.bring_up(namespace, interface, addresses)
        for address in neighbours:
            self.ip(namespace, "neighbour", "replace", address, "lladdr", neighbour_mac, "nud", "permanent", "dev",
                    interface)


def remove(name):
    for pid in command("ip", "netns", "pids", name, check=False).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    for _ in range(50):
        if not command("ip", "netns", "pids", name, check=False).split():
            break
        time.sleep(0.02)
    command("ip", "netns", "delete", name, check=False)


def remove_cgroup(folder):
    """Removes a control group once its processes are gone, which takes the kernel a moment."""
    for _ in range(50):
        try:
            os.rmdir(folder)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)


def sweep():
    """Removes what a killed run left: namespaces and control groups with our prefix whose owner lives no more."""
    for folder in glob.glob(f"{Netlab.cgroup_root()}/{PREFIX}-*"):
        owner = os.path.basename(folder).removeprefix(PREFIX + "-").split("-")[0]
        if owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
            remove_cgroup(folder)
    for line in command("ip", "netns", "list").splitlines():
        name = line.split()[0] if line.split() else ""
        owner = name.removeprefix(PREFIX + "-").split("-")[0]
        if name.startswith(PREFIX + "-") and owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
            remove(name)


def accuracy_network(lab):
    """The network of the accuracy tests, as drawn at the top of this file."""
    for short in ("host", "peer", "guest"):
        lab.add(short)
    lab.connect(("host", "h0", "02:00:5e:00:00:01",
                 ["192.0.2.1/24", "192.0.2.11/24", "2001:db8:1::1/64", "2001:db8:1::11/64"]),
                ("peer", "p0", "02:00:5e:00:00:02", ["192.0.2.2/24", "2001:db8:1::2/64"]))
    lab.connect(("host", "h1", "02:00:5e:00:01:01", ["198.51.100.1/25", "2001:db8:2::1/64"]),
                ("peer", "p1", "02:00:5e:00:01:02", ["198.51.100.2/25", "2001:db8:2::2/64"]))
    lab.connect(("host", "g0", "02:00:5e:00:02:01", ["198.51.100.129/25", "2001:db8:4::1/64"]),
                ("guest", "eth0", "02:00:5e:00:02:02", ["198.51.100.130/25", "2001:db8:4::2/64"]))
    lab.tap("host", "tap0", "02:00:5e:00:53:01", ["203.0.113.1/26", "2001:db8:3::1/64"],
            ["203.0.113.9", "2001:db8:3::9"], "02:00:5e:00:53:09")
    # The kernel would take the address that came last as its source; this one is for senders that choose it.
    lab.ip("host", "address", "change", "2001:db8:1::11/64", "dev", "h0", "preferred_lft", "0")
    lab.run("host", "ethtool", "-K", "h1", "tx-udp-segmentation", "off")
    lab.ip("guest", "route", "add", "default", "via", "198.51.100.129")
    lab.ip("guest", "route", "add", "default", "via", "2001:db8:4::1")
    lab.sysctl("host", {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"})
    # The peer takes datagrams in silence but on one port, so that replies never crowd the rows.
    lab.run("peer", "nft", "add table inet lab; add chain inet lab input { type filter hook input priority 0; };"
            f"add rule inet lab input udp dport != {DISCARD_UDP_EXCEPT} drop")
    lab.run("host", "nft", "add table inet lab; add chain inet lab output { type filter hook output priority 0; };"
            "add rule inet lab output udp dport 7777 reject")
    # No way back to the outside: what is forwarded there is not answered.
    lab.ip("peer", "route", "add", "blackhole", "203.0.113.0/26")
    lab.ip("peer", "route", "add", "blackhole", "2001:db8:3::/64")


def main():
    with Netlab() as lab:
        accuracy_network(lab)
        for short, name in lab.names.items():
            print(short, name, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

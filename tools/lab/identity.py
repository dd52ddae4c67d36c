#!/usr/bin/env python3
"""Runs the rows of the accuracy matrix that are about who a process is: reused process ids, images that are not the file at
their path, containers, users. Under `whosent live`, `whosent record` and tcpdump at the same time, and then `whosent join`.
Leaves the truth and what each way said in a folder, as accuracy.py does; judges nothing.

usage: sudo tools/lab/identity.py --whosent BINARY --senders FOLDER --output FOLDER [--no-whosent]

truth.ndjson's lines have more than accuracy.py's: sha256, image, vpid, container, service, user, user_name (null: a number
alone); pid is null where only the id inside the container is known."""
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # run as root, in a folder that may be another user's
import session  # noqa: E402
from container import INSIDE  # noqa: E402
from netlab import Netlab, die_with_parent  # noqa: E402

HOST, PEER = {4: "192.0.2.1", 6: "2001:db8:1::1"}, {4: "192.0.2.2", 6: "2001:db8:1::2"}
GUEST = {4: "198.51.100.130", 6: "2001:db8:4::2"}
HERE = os.path.dirname(os.path.realpath(__file__))
NOBODY = 65534
SUBORDINATE = 300_000_000
REUSES, COPIES, FLASHES = 300, 101, 23
READING = 5 if os.environ.get("WHOSENT_LAB_SCALE") == "qemu" else 0.5


def container_id(number):
    return hashlib.sha256(f"container {number}".encode()).hexdigest()


def pod(number):
    return f"{number:08x}_0000_4000_8000_000000000000"


# Shapes of cgroup paths: Docker and kubelet with the cgroupfs and the systemd driver, containerd, CRI-O, Podman, nerdctl.
SHAPES = {
    "docker-cgroupfs": lambda i: f"docker/{container_id(i)}",
    "docker-systemd": lambda i: f"system.slice/docker-{container_id(i)}.scope",
    "containerd": lambda i: "kubepods.slice/kubepods-burstable.slice/"
                            f"kubepods-burstable-pod{pod(i)}.slice/cri-containerd-{container_id(i)}.scope",
    "crio": lambda i: f"kubepods.slice/kubepods-besteffort.slice/crio-{container_id(i)}.scope",
    "kubelet-cgroupfs": lambda i: f"kubepods/burstable/pod{pod(i)}/{container_id(i)}",
    "podman": lambda i: f"machine.slice/libpod-{container_id(i)}.scope/container",
    "nerdctl": lambda i: f"user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-{container_id(i)}.scope",
}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Namespaces(Netlab):
    """Processes enter the network namespace alone: with `ip netns exec` each would have a mount namespace of its own too."""

    def start(self, short, *words, **options):
        child = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.names[short]}", *words],
                                 preexec_fn=die_with_parent, **options)
        self.children.append(child)
        return child


class Cgroups:
    """Directories below one of our own in each hierarchy, removed at the end."""

    def __init__(self):
        self.name = f"whosent-lab-{os.getpid()}"
        self.mounts = {}
        self.made = []
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            for line in file:
                fields, _, tail = line.partition(" - ")
                kind, _, options = tail.split()[:3]
                mount = fields.split()[4]
                if kind == "cgroup2":
                    self.mounts.setdefault("v2", mount)
                elif kind == "cgroup":
                    for option in options.split(","):
                        if option in ("name=systemd", "pids"):
                            self.mounts.setdefault(option, mount)

    def make(self, hierarchy, path):
        folder = os.path.join(self.mounts[hierarchy], self.name)
        for part in ["", *path.split("/")]:
            folder = os.path.join(folder, part) if part else folder
            if not os.path.isdir(folder):
                os.mkdir(folder)
                self.made.append(folder)
        return folder

    def close(self):
        for _ in range(50):
            left = []
            for folder in reversed(self.made):
                try:
                    os.rmdir(folder)
                except FileNotFoundError:
                    pass
                except OSError:
                    left.insert(0, folder)
            self.made = left
            if not left:
                return
            time.sleep(0.02)


class IdentitySession(session.Session):
    """The session of the identity rows."""

    def __init__(self, lab, options):
        super().__init__(lab, options)
        self.cgroups = Cgroups()
        self.images = os.path.join(self.folder, "images")
        os.makedirs(self.images, exist_ok=True)
        self.host_user = {"user": 0, "user_name": pwd.getpwuid(0).pw_name}

    # Truth.

    def note(self, output, **more):
        for line in output.splitlines():
            self.truth.write(json.dumps({**json.loads(line), **more}) + "\n")
        self.truth.flush()

    def run_sender(self, namespace, words, **more):
        """Runs a sender to its end and notes its lines."""
        child = self.lab.start(namespace, *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        output, errors = child.communicate(timeout=60)
        if child.returncode:
            raise RuntimeError(f"{' '.join(words)} failed: {errors.decode(errors='replace').strip()}")
        self.note(output.decode(), **more)

    def rounds(self, namespace, words):
        """A sender of several rounds that is ready to send."""
        child = self.lab.start(namespace, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = child.stderr.readline()
        if line != b"opened\n":
            raise RuntimeError(f"{' '.join(words)} did not start: {line + child.stderr.read()}")
        return child

    def round(self, child, count, **more):
        """Has it send, and waits as long as a look at it may take."""
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stderr.readline()
        self.note("".join(child.stdout.readline().decode() for _ in range(count)), **more)
        time.sleep(0.5)

    def end(self, child):
        child.stdin.close()
        child.wait(timeout=10)

    def sender_words(self, row, mode, family, port, *extra, source=None, program=None):
        words = self.words(row, mode, (source or HOST)[family], PEER[family], "--port", port, *extra)
        if program:
            words[0] = program
        return words

    # Row 20.

    def reuse(self, family):
        digests = sha256(f"{self.senders}/first")
        words = self.sender_words("20", "reuse", family, 7301, "--count", REUSES, "--helper", self.senders)
        self.run_sender("host", words, **self.host_user, possible_sha256=digests)
        inside = [f"{INSIDE}/sender", *self.sender_words("20-container", "reuse", family, 7302, "--count", REUSES,
                                                         "--helper", INSIDE, source=GUEST)[1:]]
        identity = container_id(3000 + family)
        folder = self.cgroups.make("v2", f"docker/{identity}")
        self.run_contained([folder], inside, container=identity, possible_sha256=digests)

    # Row 21.

    def copy(self, name):
        path = os.path.join(self.images, name)
        shutil.copy(f"{self.senders}/sender", path)
        return path

    def images_rows(self, family):
        digest = sha256(f"{self.senders}/sender")
        common = {**self.host_user, "sha256": digest}

        def start(row, name, port):
            path = self.copy(f"{name}-{family}")
            return path, self.rounds("host", self.sender_words(row, "rounds", family, port, program=path))

        path, child = start("21-intact", "intact", 7310)
        self.round(child, 23, **common, image=None)
        self.end(child)

        path, child = start("21-deleted", "deleted", 7311)
        os.unlink(path)
        self.round(child, 23, **common, image="deleted", executable=path)
        self.end(child)

        path, child = start("21-replaced", "replaced", 7312)
        self.replace(path)
        self.round(child, 23, **common, image="replaced", executable=path)
        self.end(child)

        # The tool has looked at these before anything happens to them.
        path, child = start("21-later", "later", 7313)
        self.round(child, 23, **common, image=None)
        os.unlink(path)
        time.sleep(1)
        self.round(child, 23, **common, image="deleted", executable=path)
        self.replace(path)
        time.sleep(1)
        self.round(child, 23, **common, image="replaced", executable=path)
        self.end(child)

        in_memory = [sys.executable, f"{HERE}/container.py", "--exec-memfd", "--"]
        child = self.rounds("host", in_memory + self.sender_words("21-memfd", "rounds", family, 7314))
        self.round(child, 23, **common, image="memfd", executable="/memfd:stage")
        self.end(child)

        # Too short-lived for a look: the kernel alone tells that it was a memfd, and the hash may be missing.
        for index in range(FLASHES):
            mark = f"{self.next_token():08x}{index:08x}" * 2
            words = [f"{self.senders}/once", str(family), HOST[family], str(25000 + index), PEER[family], "7315", mark]
            child = self.lab.start("host", *in_memory, *words, stdin=subprocess.DEVNULL)
            pid = child.pid
            child.wait(timeout=10)
            line = {"row": "21-memfd-once", "mode": "once", "pid": pid, "tid": pid, "ppid": os.getpid(), "name": None,
                    "executable": "/memfd:stage", "args": words, "protocol": "udp", "source": HOST[family],
                    "destination": PEER[family], "source_port": 25000 + index, "destination_port": 7315, "length": 16,
                    "packets": 1, "prefix": mark}
            self.note(json.dumps(line), **self.host_user, image="memfd", possible_sha256=sha256(words[0]))

        words = self.sender_words("21-copied", "clone-parent", family, 7316, "--count", COPIES, "--helper",
                                  f"{self.senders}/heir")
        self.run_sender("host", words, **self.host_user, possible_sha256=digest)

    def next_token(self):
        self.tokens += 1
        return self.tokens

    def replace(self, path):
        shutil.copy(f"{self.senders}/once", f"{path}.new")
        os.rename(f"{path}.new", path)

    # Row 22.

    def contained_words(self, folders, inside, *options):
        words = [sys.executable, f"{HERE}/container.py", "--bind", self.senders, *options]
        for folder in folders:
            words += ["--cgroup", folder]
        return [*words, "--", *inside]

    def run_contained(self, folders, inside, **more):
        """Senders inside a container whose ids on the host nobody notes: they are told apart by the inner ones."""
        child = self.lab.start("guest", *self.contained_words(folders, inside), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = child.communicate(timeout=60)
        if child.returncode:
            raise RuntimeError(f"{' '.join(inside)} failed: {errors.decode(errors='replace').strip()}")
        for line in output.decode().splitlines():
            inner = json.loads(line)
            self.note(line, pid=None, tid=None, ppid=None, vpid=inner["pid"], vppid=inner["ppid"], user=0, user_name=None,
                      image=None, **more)

    def contained_round(self, row, family, port, folders, *options, **more):
        inside = self.sender_words(row, "rounds", family, port, source=GUEST, program=f"{INSIDE}/sender")
        child = self.rounds("guest", self.contained_words(folders, inside, *options))
        with open(f"/proc/{child.pid}/task/{child.pid}/children", encoding="utf-8") as file:
            pid = int(file.read().split()[0])
        truth = {"pid": pid, "tid": pid, "ppid": child.pid, "vpid": 1, "image": None,
                 "sha256": sha256(f"{self.senders}/sender"), **more}
        self.round(child, 23, **truth)
        self.end(child)

    def containers(self, family):
        port = 7330
        for index, (shape, path) in enumerate(SHAPES.items()):
            number = 10 * family + index
            self.contained_round(f"22-{shape}", family, port + index, [self.cgroups.make("v2", path(number))],
                                 container=container_id(number), user=0, user_name=None)
        port = 7350
        number = 10 * family + 8
        folder = self.cgroups.make("v2", f"docker/{container_id(number)}")
        self.contained_round("22-user", family, port, [folder], "--user", str(NOBODY), container=container_id(number),
                             user=NOBODY, user_name=None)
        self.contained_round("22-user-namespace", family, port + 1, [], "--map-users", str(SUBORDINATE), "--user",
                             "1001", container=None, user=SUBORDINATE + 1001, user_name=None)
        # No runtime's cgroup: only the files inside tell that the number is another user there.
        self.contained_round("22-by-hand", family, port + 2, [], "--user", str(NOBODY), container=None, user=NOBODY,
                             user_name=None)
        self.version_one(family, port + 3)
        inside = [f"{INSIDE}/sender", *self.sender_words("22-once", "exec-once", family, port + 6, "--count", FLASHES,
                                                         "--helper", f"{INSIDE}/once", source=GUEST)[1:]]
        number = 10 * family + 9
        folder = self.cgroups.make("v2", f"system.slice/docker-{container_id(number)}.scope")
        self.run_contained([folder], inside, container=container_id(number),
                           possible_sha256=sha256(f"{self.senders}/once"))

    def version_one(self, family, port):
        """Runtimes that use cgroup v1 leave their containers in the runtime's own v2 cgroup."""
        for index, hierarchy in enumerate(("name=systemd", "pids")):
            row = f"22-v1-{hierarchy.removeprefix('name=')}"
            if hierarchy not in self.cgroups.mounts:
                self.skipped[row] = f"this machine has no cgroup v1 hierarchy {hierarchy}"
                continue
            number = 1000 * (index + 1) + family
            folders = [self.cgroups.make("v2", "system.slice/containerd.service"),
                       self.cgroups.make(hierarchy, f"docker/{container_id(number)}")]
            self.contained_round(row, family, port + index, folders, container=container_id(number), user=0,
                                 user_name=None)

    # Units and users of the host.

    def host_rows(self, family):
        nobody = {"user": NOBODY, "user_name": pwd.getpwuid(NOBODY).pw_name, "image": None,
                  "sha256": sha256(f"{self.senders}/sender")}
        for row, port, hierarchy, options in (
                ("unit", 7361, "v2", []), ("unit-own-mounts", 7362, "v2", ["--share-root"]),
                ("unit-v1", 7363, "name=systemd", ["--share-root"])):
            if hierarchy not in self.cgroups.mounts:
                self.skipped[row] = f"this machine has no cgroup v1 hierarchy {hierarchy}"
                continue
            folder = self.cgroups.make(hierarchy, "system.slice/whosent-lab.service")
            words = self.sender_words(row, "rounds", family, port)
            words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *words]
            if options:
                words = [sys.executable, f"{HERE}/container.py", *options, "--cgroup", folder, "--user", str(NOBODY),
                         "--", *words[4:]]
            else:
                words = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder, *words]
            child = self.rounds("host", words)
            self.round(child, 23, **nobody, service="whosent-lab.service")
            self.end(child)

    # The whole.

    def run(self):
        captures = [self.tcpdump("any")]
        tools = [] if self.options.no_whosent else self.start_whosent()
        # The tools' own test datagrams have them read their own large image first.
        time.sleep(READING)
        for family in (4, 6):
            self.images_rows(family)
            self.containers(family)
            self.host_rows(family)
            self.reuse(family)
        time.sleep(1)
        self.stop_all(tools)
        # libpcap hands out a block when it is full or a second old, and an interrupt drops what is pending.
        time.sleep(1.3)
        self.stop_all(captures)
        if tools:
            self.join()

    def join(self):
        whosent = os.path.realpath(self.options.whosent)
        base = [whosent, "join", self.path("any.pcap"), "--evidence", self.path("evidence.pcapng")]
        self.run_offline("join-any", [*base, "--format", "ndjson"], self.path("join-any.ndjson"))
        self.run_offline("join-csv", [*base, "--format", "csv"], self.path("join-any.csv"))
        self.run_offline("join-annotated", [*base, "-w", self.path("join.pcapng")], self.path("join-annotated.txt"))

    def close(self, failure):
        self.cgroups.close()
        shutil.rmtree(self.images, ignore_errors=True)
        super().close(failure)


def identity_network(lab):
    """A host with a peer on one side, and a guest whose senders have a network namespace of their own."""
    for short in ("host", "peer", "guest"):
        lab.add(short)
    lab.connect(("host", "h0", "02:00:5e:00:00:01", ["192.0.2.1/24", "2001:db8:1::1/64"]),
                ("peer", "p0", "02:00:5e:00:00:02", ["192.0.2.2/24", "2001:db8:1::2/64"]))
    lab.connect(("host", "g0", "02:00:5e:00:02:01", ["198.51.100.129/25", "2001:db8:4::1/64"]),
                ("guest", "eth0", "02:00:5e:00:02:02", ["198.51.100.130/25", "2001:db8:4::2/64"]))
    for gateway in ("198.51.100.129", "2001:db8:4::1"):
        lab.ip("guest", "route", "add", "default", "via", gateway)
    lab.sysctl("host", {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"})
    # The peer takes datagrams in silence.
    lab.run("peer", "nft", "add table inet lab; add chain inet lab input { type filter hook input priority 0; };"
            "add rule inet lab input meta l4proto udp drop")


def main():
    parser = session.parser(__doc__)
    parser.add_argument("--no-whosent", action="store_true", help="senders and tcpdump alone")
    session.run(IdentitySession, parser.parse_args(), identity_network, lab_kind=Namespaces)


if __name__ == "__main__":
    main()

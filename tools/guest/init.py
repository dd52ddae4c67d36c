#!/usr/bin/python3
"""The first process of the virtual machine of tools/kernels: runs the labs, hands the results out, ends.

What it prints goes to the serial console: "ready" once the machine stands, "done" once the results are on the disk,
which then holds them as a tar archive."""
import ctypes
import os
import socket
import subprocess
import sys
import tarfile
import time

RESULTS = "/results"
DISK = "/dev/vda"
RB_AUTOBOOT = 0x01234567
MS_BIND, MS_MOVE = 0x1000, 0x2000
LABS = {"accuracy": 700, "identity": 400}
# Cases of floods.py, and as many packets as an emulated machine can send in the time.
FLOODS, FLOOD_PACKETS = ("loss", "volume", "hostile", "forwarding"), 20_000
MODULES = ("virtio_pci", "virtio_blk", "tun", "veth")


def mount(kind, target, options="", source=None, flags=0):
    os.makedirs(target, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount((source or kind).encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()):
        raise OSError(ctypes.get_errno(), f"mounting {source or kind} on {target}")


def leave_first_file_system():
    """A container's pivot_root(2) cannot leave the kernel's first file system, but a mount of the same on top of it."""
    mount("", "/mnt", source="/", flags=MS_BIND)
    os.chdir("/mnt")
    mount("", "/", source=".", flags=MS_MOVE)
    os.chroot(".")
    os.chdir("/")


def mount_version_one():
    """Control groups as on a machine of the kernel's time: Debian 13 has the second version alone."""
    if [int(part) for part in os.uname().release.split(".")[:2]] < [6, 12]:
        mount("cgroup", "/run/cgroup/systemd", "none,name=systemd")
        mount("cgroup", "/run/cgroup/pids", "pids")


def set_up():
    leave_first_file_system()
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("devtmpfs", "/dev")
    # What runs from a descriptor is called /dev/fd/N, and the security module of Linux 5.10 looks there.
    os.symlink("/proc/self/fd", "/dev/fd")
    mount("tmpfs", "/run")
    mount("tmpfs", "/tmp")
    mount("cgroup2", "/sys/fs/cgroup")
    mount_version_one()
    socket.sethostname("guest")
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root", LC_ALL="C.UTF-8", WHOSENT_LAB_SCALE="qemu")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for module in MODULES:
        subprocess.run(["modprobe", module], check=True)


def run(name, words, timeout):
    """Runs a command with its output in files of the results; a failure is one of the results."""
    with open(f"{RESULTS}/{name}.out", "wb") as output, open(f"{RESULTS}/{name}.err", "wb") as errors:
        started = time.monotonic()
        try:
            status = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                    timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            status = "timeout"
    print(f"{name}: status {status} after {time.monotonic() - started:.1f} s", flush=True)


def hand_out():
    for _ in range(100):
        if os.path.exists(DISK):
            break
        time.sleep(0.1)
    with open(DISK, "wb") as disk, tarfile.open(fileobj=disk, mode="w|") as archive:
        archive.add(RESULTS, ".")
        disk.flush()
    os.sync()


def wanted(what):
    """The words of an option on the kernel's command line, for trying single rows or labs; none: all."""
    with open("/proc/cmdline", encoding="ascii") as file:
        for word in file.read().split():
            if word.startswith(f"whosent.{what}="):
                return word.partition("=")[2]
    return None


def run_labs():
    rows, labs = wanted("rows"), wanted("labs")
    chosen = labs.split(",") if labs else ["accuracy"] if rows else [*LABS, "floods"]
    for lab, timeout in LABS.items():
        if lab in chosen:
            run(lab, [sys.executable, f"/lab/{lab}.py", "--whosent", "/usr/bin/whosent", "--senders", "/senders",
                      "--output", f"{RESULTS}/{lab}", *(["--rows", rows] if rows else [])], timeout)
    if "floods" in chosen:
        run_floods()


def run_floods():
    """Each case prints what came of it; its captures stay here."""
    os.mkdir(f"{RESULTS}/floods")
    for case in FLOODS:
        for way in ("live", "join"):
            run(f"floods/{case}-{way}", [sys.executable, "/lab/floods.py", case, "--way", way, "--whosent",
                                         "/usr/bin/whosent", "--senders", "/senders", "--output", "/tmp/floods",
                                         "--packets", str(FLOOD_PACKETS)], 120)


def main():
    set_up()
    print("ready", flush=True)
    os.mkdir(RESULTS)
    run("doctor", ["whosent", "doctor", "--format", "ndjson"], 120)
    run_labs()
    with open(f"{RESULTS}/kernel.log", "wb") as log:
        subprocess.run(["dmesg"], stdout=log, check=False)
    hand_out()
    print("done", flush=True)


try:
    main()
finally:
    ctypes.CDLL(None).reboot(RB_AUTOBOOT)

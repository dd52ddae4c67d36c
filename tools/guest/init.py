#!/usr/bin/python3
"""The first process of the virtual machine of tools/kernels: runs the accuracy suite, hands the results out, ends.

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
MODULES = ("virtio_pci", "virtio_blk", "tun", "veth")


def mount(kind, target, options=""):
    os.makedirs(target, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(kind.encode(), target.encode(), kind.encode(), 0, options.encode()):
        raise OSError(ctypes.get_errno(), f"mounting {kind} on {target}")


def set_up():
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("devtmpfs", "/dev")
    mount("tmpfs", "/run")
    mount("tmpfs", "/tmp")
    mount("cgroup2", "/sys/fs/cgroup")
    socket.sethostname("guest")
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root", LC_ALL="C.UTF-8")
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


def wanted_rows():
    """What the command line of the kernel says, for trying single rows."""
    with open("/proc/cmdline", encoding="ascii") as file:
        words = file.read().split()
    return [word.removeprefix("whosent.") for word in words if word.startswith("whosent.rows=")]


def main():
    set_up()
    print("ready", flush=True)
    os.mkdir(RESULTS)
    run("doctor", ["whosent", "doctor", "--format", "ndjson"], 120)
    run("accuracy", [sys.executable, "/lab/accuracy.py", "--whosent", "/usr/bin/whosent", "--senders", "/senders",
                     "--output", f"{RESULTS}/accuracy",
                     *(f"--{rows}" for rows in wanted_rows())], 800)
    with open(f"{RESULTS}/kernel.log", "wb") as log:
        subprocess.run(["dmesg"], stdout=log, check=False)
    hand_out()
    print("done", flush=True)


try:
    main()
finally:
    ctypes.CDLL(None).reboot(RB_AUTOBOOT)

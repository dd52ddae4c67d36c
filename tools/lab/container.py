#!/usr/bin/env python3
"""Runs a command as a container runtime would, without one: in a cgroup, a mount namespace with a root of its own, and a pid
namespace. The network namespace is the caller's.

usage: tools/lab/container.py [--cgroup FOLDER]... [--user ID] [--map-users FIRST] [--bind FOLDER] [--share-root] [--exec-memfd]
                              -- COMMAND ARG...

--cgroup      a cgroup directory to be in (repeatable: one a hierarchy)
--user        the user and group to become
--map-users   a user namespace whose users 0 to 65535 are those from FIRST on outside
--bind        a folder to show at /opt/senders of the new root
--share-root  a mount namespace of its own, but the machine's files (as a systemd service with PrivateTmp)
--exec-memfd  no container at all: run the command's file from memory"""
import argparse
import ctypes
import os
import platform
import signal
import sys

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
MS_BIND, MS_REC, MS_PRIVATE, MS_RDONLY, MS_REMOUNT = 0x1000, 0x4000, 0x40000, 0x1, 0x20
MNT_DETACH, PR_SET_PDEATHSIG = 2, 1
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[platform.machine()]
INSIDE = "/opt/senders"
PASSWD = "root:x:0:0::/:/bin/sh\ninner:x:1001:1001::/:/bin/sh\nwrong:x:65534:65534::/:/bin/sh\n"

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def mount(source, target, kind=None, flags=0, data=None):
    def encode(text):
        return text.encode() if text else None
    check(libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)), f"mount {target}")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_root(bind):
    """A root with the machine's programs, users of its own and the senders; becomes / of the calling process."""
    root = "/tmp"
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Opened first: it may lie below what is mounted now.
    shown = os.open(bind, os.O_PATH) if bind else None
    mount("tmpfs", root, "tmpfs")
    for folder in ("usr", "etc", "proc", "old", "opt", INSIDE[1:]):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    mount("/usr", f"{root}/usr", None, MS_BIND | MS_REC)
    for name in ("bin", "sbin", "lib", "lib64"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            os.mkdir(f"{root}/{name}")
            mount(f"/{name}", f"{root}/{name}", None, MS_BIND | MS_REC)
    write(f"{root}/etc/passwd", PASSWD)
    if bind:
        mount(f"/proc/self/fd/{shown}", f"{root}{INSIDE}", None, MS_BIND)
        os.close(shown)
    check(libc.syscall(SYS_PIVOT_ROOT, root.encode(), f"{root}/old".encode()), "pivot_root")
    os.chdir("/")
    mount("proc", "/proc", "proc")
    check(libc.umount2(b"/old", MNT_DETACH), "umount /old")


def become(user):
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def map_users(first, child):
    """Run outside, for the child that is in the new user namespace already."""
    write(f"/proc/{child}/uid_map", f"0 {first} 65536\n")
    write(f"/proc/{child}/gid_map", f"0 {first} 65536\n")


def enter(options, made, mapped):
    """In the child: what is left to be done inside."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if options.share_root:
        check(libc.unshare(CLONE_NEWNS), "unshare")
    else:
        make_root(options.bind)
    if options.map_users is not None:
        # Mounting was the outer root's privilege; only the rest is done in the user namespace.
        check(libc.unshare(CLONE_NEWUSER), "unshare")
        os.write(made, b"x")
        os.read(mapped, 1)
    become(options.user)
    os.execv(options.command[0], options.command)


def exec_memfd(command):
    number = os.memfd_create("stage")
    with open(command[0], "rb") as file:
        os.sendfile(number, file.fileno(), 0, os.fstat(file.fileno()).st_size)
    os.set_inheritable(number, False)
    os.execve(number, command, os.environ)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cgroup", action="append", default=[])
    parser.add_argument("--user", type=int)
    parser.add_argument("--map-users", type=int)
    parser.add_argument("--bind")
    parser.add_argument("--share-root", action="store_true")
    parser.add_argument("--exec-memfd", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.exec_memfd:
        exec_memfd(options.command)
    for folder in options.cgroup:
        write(f"{folder}/cgroup.procs", str(os.getpid()))
    if not options.share_root:
        check(libc.unshare(CLONE_NEWPID), "unshare")
    mapped_read, mapped_write = os.pipe()
    made_read, made_write = os.pipe()
    child = os.fork()
    if child == 0:
        enter(options, made_write, mapped_read)
    if options.map_users is not None:
        os.read(made_read, 1)
        map_users(options.map_users, child)
        os.write(mapped_write, b"x")
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main()

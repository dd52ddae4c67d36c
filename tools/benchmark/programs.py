# SPDX-License-Identifier: Apache-2.0
"""BPF programs: how long they ran (kernel.bpf_stats_enabled), and empty ones to compare with."""

import ctypes
import os
import platform
import re
import struct
from contextlib import ExitStack
from pathlib import Path

from basics import Failure

NUMBERS = {"x86_64": 321, "aarch64": 280}
LOAD, ATTACH, DETACH, GET_BY_ID, INFO, OPEN_TRACEPOINT = 5, 8, 9, 13, 15, 17
CGROUP_SKB, RAW_TRACEPOINT = 8, 17
EGRESS, MULTI = 1, 2
SETTING = Path("/proc/sys/kernel/bpf_stats_enabled")


def call(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 144)
    library = ctypes.CDLL(None, use_errno=True)
    result = library.syscall(NUMBERS[platform.machine()], command, buffer, len(buffer))
    if result < 0:
        raise Failure(f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return result


class Statistics:
    """Counting on, and off again."""

    def __enter__(self):
        self.before = SETTING.read_text()
        SETTING.write_text("1")
        return self

    def __exit__(self, *_):
        SETTING.write_text(self.before)


def load_empty(kind, attach_type, result):
    """A program that does nothing but return."""
    # r0 = result; exit.
    code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, result, 0x95, 0, 0, 0))
    license_text = ctypes.create_string_buffer(b"GPL")
    return call(LOAD, struct.pack(
        "<IIQQIIQII16sII", kind, 2, ctypes.addressof(code), ctypes.addressof(license_text), 0, 0, 0, 0, 0,
        b"wsbench_empty", 0, attach_type))


class EmptyProgram:
    def times(self):
        return described(self.handle)[1:]


class EmptyEgress(EmptyProgram):
    """Attached to the root cgroup, where the recorder's first program is."""

    def __enter__(self):
        # 1 lets the packet pass.
        self.handle = load_empty(CGROUP_SKB, EGRESS, 1)
        text = Path("/proc/self/mountinfo").read_text()
        roots = re.findall(r"^\S+ \S+ \S+ / (\S+) .* - cgroup2 ", text, re.MULTILINE)
        if not roots:
            raise Failure("no cgroup2 is mounted", 69)
        self.group = os.open(roots[0], os.O_RDONLY)
        call(ATTACH, struct.pack("<IIII", self.group, self.handle, EGRESS, MULTI))
        return self

    def __exit__(self, *_):
        call(DETACH, struct.pack("<IIII", self.group, self.handle, EGRESS, 0))
        os.close(self.group)
        os.close(self.handle)


class EmptyTransmit(EmptyProgram):
    """Attached to net_dev_queue, where the recorder's second program is."""

    def __enter__(self):
        self.handle = load_empty(RAW_TRACEPOINT, 0, 0)
        name = ctypes.create_string_buffer(b"net_dev_queue")
        self.link = call(OPEN_TRACEPOINT, struct.pack("<QII", ctypes.addressof(name), self.handle, 0))
        return self

    def __exit__(self, *_):
        os.close(self.link)
        os.close(self.handle)


class EmptyPair:
    """Empty programs at both hooks that a packet passes: what being called costs."""

    def __enter__(self):
        with ExitStack() as stack:
            self.egress = stack.enter_context(EmptyEgress())
            self.transmit = stack.enter_context(EmptyTransmit())
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()


def described(handle):
    """Name, nanoseconds and runs of a program (struct bpf_prog_info)."""
    info = ctypes.create_string_buffer(232)
    call(INFO, struct.pack("<IIQ", handle, len(info), ctypes.addressof(info)))
    nanoseconds, runs = struct.unpack_from("<QQ", info, 192)
    return info.raw[64:80].split(b"\0")[0].decode(), nanoseconds, runs


def program_times(pid):
    """Nanoseconds and runs of a process's programs by name."""
    found = {}
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            number = re.search(r"^prog_id:\s+(\d+)", path.read_text(), re.MULTILINE)
        except OSError:
            continue
        if not number:
            continue
        handle = call(GET_BY_ID, struct.pack("<I", int(number[1])))
        name, nanoseconds, runs = described(handle)
        os.close(handle)
        found[f"{name}#{number[1]}"] = (nanoseconds, runs)
    return found

# SPDX-License-Identifier: Apache-2.0
"""BPF programs: how long they ran (kernel.bpf_stats_enabled), and an empty one to compare with."""

import ctypes
import os
import platform
import re
import struct
from pathlib import Path

from basics import Failure

NUMBERS = {"x86_64": 321, "aarch64": 280}
LOAD, ATTACH, DETACH, GET_BY_ID, INFO = 5, 8, 9, 13, 15
CGROUP_SKB, EGRESS, MULTI = 8, 1, 2
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


class EmptyProgram:
    """Attached to the root cgroup beside the others: what it takes is the counting's own cost."""

    def __enter__(self):
        # r0 = 1 (pass); exit.
        self.code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, 1, 0x95, 0, 0, 0))
        self.license = ctypes.create_string_buffer(b"GPL")
        self.handle = call(LOAD, struct.pack(
            "<IIQQIIQII16sII", CGROUP_SKB, 2, ctypes.addressof(self.code), ctypes.addressof(self.license), 0, 0, 0, 0, 0,
            b"wsbench_empty", 0, EGRESS))
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

    def times(self):
        return described(self.handle)[1:]


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

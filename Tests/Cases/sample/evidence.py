"""The sample's evidence: what `whosent record` on the mail server would have written, block by block.

docs/evidence.md describes the format; this is a second implementation of it, in a few lines of another language."""
import json
import struct
from datetime import datetime, timezone

BOOT_ID = "5b6c8d0e-3f2a-4c1d-9e7b-0a1b2c3d4e5f"
NAMESPACE, INTERFACE = 4026531840, 2
BOOTED = 1772355000_000_000_000  # wall clock, ns; process start times count from here
HEADER_AND_PAYLOAD = 16  # payload bytes kept, headers come on top

INIT = {"pid": 1, "name": "systemd", "executable": "/usr/lib/systemd/systemd", "user": ("0", "root"), "start": 10_000_000}
SHELL = {"pid": 4690, "name": "bash", "executable": "/usr/bin/bash", "user": ("1000", "kim"), "start": 5_401_000_000_000,
         "parent": INIT}
PROCESSES = {
    "store": {"pid": 2136, "tid": 2140, "name": "store", "thread": "notify", "executable": "/opt/mailserver/bin/store",
              "args": ["/opt/mailserver/bin/store", "-d"], "user": ("1001", "mail"), "start": 21_130_000_000,
              "parent": INIT, "service": "mail-store.service", "cookie": 0x51},
    "mad": {"pid": 2317, "tid": 2317, "name": "mad", "thread": "mad", "executable": "/opt/mailserver/bin/mad",
            "args": ["/opt/mailserver/bin/mad"], "user": ("0", "root"), "start": 21_940_000_000, "parent": INIT,
            "service": "mail-attendant.service", "cookie": 0x62},
    "resolver": {"pid": 871, "tid": 871, "name": "systemd-resolve", "thread": "systemd-resolve",
                 "executable": "/usr/lib/systemd/systemd-resolved", "args": ["/usr/lib/systemd/systemd-resolved"],
                 "user": ("102", "systemd-resolve"), "start": 9_220_000_000, "parent": INIT,
                 "service": "systemd-resolved.service", "cookie": 0x33},
    "ping": {"pid": 4711, "tid": 4711, "name": "ping", "thread": "ping", "executable": "/usr/bin/ping",
             "args": ["ping", "-c", "2", "192.0.2.54"], "user": ("1000", "kim"), "start": 5_434_800_000_000,
             "parent": SHELL, "cookie": 0x94},
}


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def options(*pairs):
    encoded = b"".join(struct.pack("<HH", code, len(value)) + padded(value) for code, value in pairs)
    return encoded + struct.pack("<HH", 0, 0)


def block(kind, body):
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def clock(nanoseconds):
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{rest:09d}Z"


def split_time(nanoseconds):
    return struct.pack("<II", nanoseconds >> 32, nanoseconds & 0xFFFFFFFF)


def section_header(start):
    comment = {
        "whosent": "recording", "host": "mail", "boot_id": BOOT_ID, "clock": "boot clock, mapped to the wall clock",
        "start": clock(start), "filter": "", "wire": True, "interface_count": 2,
        "interfaces": [
            {"index": 1, "name": "lo", "netns": NAMESPACE, "addresses": ["127.0.0.1/8", "::1/128"]},
            {"index": INTERFACE, "name": "eth0", "netns": NAMESPACE, "mac": "02-00-5E-00-00-01",
             "addresses": ["192.0.2.1/24"]}]}
    fixed = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(0x0A0D0D0A, fixed + options((1, compact(comment)), (2, b"x86_64"), (3, b"Linux 6.12.48"),
                                             (4, b"whosent 0.1.0")))


def interface(name, snap_length, link_type):
    return block(1, struct.pack("<HHI", link_type, 0, snap_length) + options((2, name), (9, b"\x09")))


def process_object(process):
    value = {"pid": process["pid"], "name": process["name"], "executable": process["executable"]}
    if "args" in process:
        value["args"] = process["args"]
    value["start"] = clock(BOOTED + process["start"])
    if "parent" in process:
        value["parent"] = process_object(process["parent"])
    value["user"] = {"id": process["user"][0], "name": process["user"][1]}
    value["entity_id"] = f"{BOOT_ID}-{process['pid']}-{process['start']}"
    return value


def process_event(process, time):
    details = {"service": {"name": process["service"]}} if "service" in process else {}
    details["whosent"] = {"start": process["start"], "image_version": 1, "time": clock(time)}
    return block(0x80000001, struct.pack("<I", process["pid"]) + options(
        (1, compact(process_object(process))), (1, compact(details)), (2, process["name"].encode()),
        (3, process["executable"].encode())))


def send_record(process, index, time, packet):
    headers = 28  # IPv4 and either UDP or an ICMP echo's header
    kept = packet[:headers + HEADER_AND_PAYLOAD]
    comment = (f"NETNS={NAMESPACE} IF={INTERFACE} IFNAME=eth0 COOKIE={process['cookie']} UID={process['user'][0]} IMAGE=1 "
               f"START={process['start']} PATH=egress PROOF=verified TNAME={json.dumps(process['thread'])}")
    fixed = struct.pack("<I", 0) + split_time(time) + struct.pack("<II", len(kept), len(packet))
    return block(6, fixed + padded(kept) + options(
        (1, comment.encode()), (2, struct.pack("<I", 2)), (8, struct.pack("<II", process["pid"], process["tid"])),
        (0x8001, struct.pack("<I", index))))


def statistics(number, start, stop, received, comment=None):
    fixed = struct.pack("<I", number) + split_time(stop)
    pairs = [(1, compact(comment))] if comment else []
    pairs += [(2, split_time(start)), (3, split_time(stop)), (4, struct.pack("<Q", received)), (5, struct.pack("<Q", 0))]
    return block(5, fixed + options(*pairs))


def write(path, frames):
    """Evidence for the frames: (time in microseconds, Ethernet frame, sender's key or None)."""
    frames = list(frames)
    start, stop = frames[0][0] * 1000 - 5_000_000_000, frames[-1][0] * 1000 + 4_000_000_000
    blocks = [section_header(start), interface(b"whosent-send", 80, 101), interface(b"whosent-wire", 80, 12)]
    described, sends = [], 0
    for time, frame, sender in frames:
        if sender is None:
            continue
        sent = time * 1000 - 3_700  # a packet passes the hook a little before the capture sees it
        if sender not in described:
            described.append(sender)
            blocks.append(process_event(PROCESSES[sender], sent))
        packet = frame[14:14 + struct.unpack_from(">H", frame, 16)[0]]
        blocks.append(send_record(PROCESSES[sender], described.index(sender), sent, packet))
        sends += 1
    end = {"end": {"stop": clock(stop), "sends": sends, "wires": 0, "lost": {}}}
    blocks += [statistics(1, start, stop, 0), statistics(0, start, stop, sends, end)]
    with open(path, "wb") as file:
        file.write(b"".join(blocks))

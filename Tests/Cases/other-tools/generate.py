#!/usr/bin/env python3
"""Writes one host's traffic three times, byte by byte: input.pcap as tcpdump has it, ptcpdump.pcapng and etl2pcapng.pcapng as
those tools comment it. Nothing in it is random.

usage: Tests/Cases/other-tools/generate.py FOLDER"""
import ipaddress
import os
import struct
import sys

HOST, SERVER, OTHER = "192.0.2.10", "198.51.100.7", "198.51.100.9"
# 2026-03-01 10:20:30 UTC, in microseconds.
START = 1772360430_000000
STORE, BACKUP, IDLE = 2136, 77, 4

# Microseconds after START, source, its port, destination, its port, IP id, payload, and the sender as ptcpdump tells it.
PACKETS = [
    (0, HOST, 36003, SERVER, 2762, 11, b"\x11\x22\x33\x44\x55\x66\x77\x88", STORE),
    (250_000, HOST, 36004, OTHER, 2763, 12, b"\x91\x22\x33\x44\x55\x66\x77\x88", STORE),
    # Two processes on one port, alike but for the IP id.
    (500_000, HOST, 40000, SERVER, 514, 13, b"one line", STORE),
    (500_400, HOST, 40000, SERVER, 514, 14, b"one line", BACKUP),
    # Comes in: whoever is named there receives it.
    (750_000, SERVER, 2762, HOST, 36003, 15, b"an answer", STORE),
    # No tool has a word about it.
    (1_000_000, HOST, 50000, OTHER, 9, 16, b"nobody's", None),
]
IMAGES = {STORE: ("/opt/mailserver/bin/store", "-d"), BACKUP: ("/usr/bin/backup", "--to=...")}


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source, source_port, destination, port, identification, payload):
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    udp = struct.pack(">HHHH", source_port, port, 8 + len(payload), 0) + payload
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), identification, 0, 64, 17, 0) + addresses
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    ends = (b"\x02\x00\x5e\x00\x00\xfe", b"\x02\x00\x5e\x00\x00\x01")
    return b"".join(ends if source == HOST else ends[::-1]) + b"\x08\x00" + header + udp


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


END = struct.pack("<HH", 0, 0)


def section(application):
    return (block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(4, application) + END)
            + block(1, struct.pack("<HHI", 1, 0, 262144) + option(2, b"eth0") + END))


def packet(time, data, comments, direction=None, packet_id=None, process=None):
    options = b"".join(option(1, comment.encode()) for comment in comments)
    if direction:
        options += option(2, struct.pack("<I", direction))
    if packet_id is not None:
        options += option(5, struct.pack("<Q", packet_id))
    if process:
        options += option(8, struct.pack("<II", *process))
    head = struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(data), len(data))
    return block(6, head + data + b"\0" * (-len(data) % 4) + (options + END if options else b""))


def ptcpdump():
    """A comment for each subject: process, thread, user, parent; the last argument of one is cut as it does it."""
    file = section(b"ptcpdump 0.30.0")
    for after, source, source_port, destination, port, identification, payload, pid in PACKETS:
        comments = []
        if pid:
            path, argument = IMAGES[pid]
            comments = [f"PID: {pid}\nCmd: {path}\nArgs: {path} {argument}", f"ThreadId: {pid + 4}\nThreadName: worker",
                        "UserId: 1001\nGroupId: 1001", "ParentPID: 1\nParentCmd: /usr/lib/systemd/systemd"]
        data = frame(source, source_port, destination, port, identification, payload)
        file += packet(START + after, data, comments, 2 if source == HOST else 1)
    return file


def etl2pcapng():
    """Each packet as often as the stack's layers traced it, under one id; the process is whoever was running then."""
    file = section(b"etl2pcapng")
    for number, (after, source, source_port, destination, port, identification, payload, pid) in enumerate(PACKETS):
        if not pid:
            continue
        data = frame(source, source_port, destination, port, identification, payload)
        running = IDLE if source != HOST else pid
        for layer in range(3):
            file += packet(START + after + layer, data, [f"PID={running} TID={running + 4}"], packet_id=number + 1,
                           process=(running, running + 4))
    return file


def pcap():
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for after, *fields, _ in PACKETS:
        data = frame(*fields)
        # The capture is of the same machine and clock, a little later on the way out.
        time = START + after + 30
        file += struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(data), len(data)) + data
    return file


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for name, content in (("input.pcap", pcap()), ("ptcpdump.pcapng", ptcpdump()), ("etl2pcapng.pcapng", etl2pcapng())):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


main(sys.argv[1])

#!/usr/bin/env python3
"""Writes input.pcap, the traffic for rules.yaml, field by field; nothing in it is random.

usage: Tests/Cases/rules/generate.py FOLDER"""
import ipaddress
import os
import struct
import sys

# 2026-03-01 10:20:30 UTC
START = 1772360430
AGENT, COLLECTOR, OTHER = "192.0.2.10", "198.51.100.20", "203.0.113.30"
AGENT_V6, COLLECTOR_V6 = "2001:db8::10", "2001:db8:1::20"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, destination, protocol, segment, ttl, checksum_at):
    """An IPv4 or IPv6 packet without a link layer; the transport's checksum is filled in."""
    here, there = (ipaddress.ip_address(address) for address in (source, destination))
    pseudo = b""
    if protocol != 1:
        pseudo = here.packed + there.packed + struct.pack(">II", len(segment), protocol)
    total = checksum(pseudo + segment) or 0xFFFF
    segment = segment[:checksum_at] + struct.pack(">H", total) + segment[checksum_at + 2:]
    if here.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(segment), protocol, ttl) + here.packed + there.packed + segment
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, ttl, protocol, 0)
    header += here.packed + there.packed
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + segment


def udp(source, source_port, destination, port, payload, ttl=64):
    return packet(
        source, destination, 17, struct.pack(">HHHH", source_port, port, 8 + len(payload), 0) + payload, ttl, 6)


def echo(source, destination, sequence, payload, ttl=64):
    is_v6 = ":" in source
    header = struct.pack(">BBHHH", 128 if is_v6 else 8, 0, 0, 0x4D2, sequence)
    return packet(source, destination, 58 if is_v6 else 1, header + payload, ttl, 2)


def traffic():
    """Pairs of seconds after the start and packet."""
    heartbeat = b"ACME\x01\x00\x00"
    # The form, three times in the rhythm, and once out of it.
    for at in (0, 30, 60, 75):
        yield at, udp(AGENT, 40000, COLLECTOR, 9000, heartbeat + bytes([at]))
    yield 1, udp(AGENT, 40000, COLLECTOR, 9001, heartbeat + b"\x01")  # another port
    yield 2, udp(AGENT, 40000, COLLECTOR, 9000, heartbeat)  # a byte short
    yield 3, udp(AGENT, 40000, COLLECTOR, 9000, b"ACMD\x01\x00\x00\x01")  # another word
    yield 4, udp(AGENT_V6, 40000, COLLECTOR_V6, 9000, heartbeat + b"\x04")
    # A flood of pings with "probe", and one such ping to somebody else.
    for index in range(6):
        yield 5 + index / 10, echo(AGENT, COLLECTOR, index, b"probe" + bytes(11))
    yield 6, echo(AGENT, OTHER, 0, b"probe" + bytes(11))
    yield 7, echo(AGENT_V6, COLLECTOR_V6, 0, b"probe" + bytes(11))
    # Two rules fit: the one that stands first in the file is taken.
    yield 8, udp(AGENT, 9100, OTHER, 9105, b"\x80\x21" + bytes(18), ttl=1)
    yield 9, udp(AGENT, 9100, OTHER, 9105, b"\x80\x21" + bytes(18), ttl=64)
    # A built-in tag that rests on more than the form is stronger than a rule.
    for index in range(5):
        yield 10 + index / 1000, udp(AGENT, 41000 + index, f"198.51.100.{40 + index}", 2500, b"\x91\x22ACME\x07\x08")


if len(sys.argv) != 2:
    sys.exit(__doc__.split("\n\n")[1])
with open(os.path.join(sys.argv[1], "input.pcap"), "wb") as file:
    # magic (microseconds), version 2.4, zone, accuracy, snap length, raw IP
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
    for at, data in sorted(traffic(), key=lambda entry: entry[0]):
        time = START * 1_000_000 + round(at * 1_000_000)
        file.write(struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(data), len(data)) + data)

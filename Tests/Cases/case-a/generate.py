#!/usr/bin/env python3
"""Writes input.pcapng: the 15 datagrams that were printed in the report, field by field; nothing in it is random.

usage: Tests/Cases/case-a/generate.py FOLDER"""
import ipaddress
import os
import struct
import sys

SERVER = "10.1.1.1"
# 2010-01-14 15:20:14.454856, the same for all of them; the capture's clock is taken for UTC.
TIME = 1263482414_454856
# Frame number, source port, destination, destination port (the report prints names of services for most of them).
DATAGRAMS = [
    (105528, 35996, "172.1.10.14", 1141),  # mxomss
    (105530, 35997, "172.18.10.27", 1142),  # edtools
    (105531, 35998, "172.17.17.95", 1193),  # fiveacross
    (105535, 36000, "172.17.11.51", 1127),  # kwdb-commn
    (105540, 36003, "172.23.98.97", 2762),  # dicom-tls
    (105541, 36004, "172.24.12.8", 1177),  # dkmessenger
    (105542, 36005, "172.28.2.52", 2642),  # tragic
    (105545, 36006, "172.31.5.14", 2130),  # xds
    (105546, 36007, "172.2.10.63", 4642),
    (105547, 36008, "172.2.35.68", 2242),  # foliocorp
    (105552, 36010, "172.18.12.55", 1128),  # saphostctrl
    (105553, 36011, "172.48.199.45", 1225),  # slinkysearch
    (105554, 36012, "172.27.133.42", 1159),  # oracle-oms
    (105555, 36013, "172.27.121.40", 2303),  # proxy-gateway
    (105558, 36016, "172.24.7.11", 2344),  # fcmsys
]


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(index, source_port, destination, port):
    """Ethernet, IPv4, UDP, and 8 bytes; the report does not print them, so they are made up, different for each client."""
    payload = struct.pack(">HHHH", 0x9C41, 0x00A7, 0xE100 + 17 * index, 0x5FB2)
    addresses = ipaddress.IPv4Address(SERVER).packed + ipaddress.IPv4Address(destination).packed
    udp = struct.pack(">HHHH", source_port, port, 8 + len(payload), 0) + payload
    total = checksum(addresses + struct.pack(">BBH", 0, 17, len(udp)) + udp) or 0xFFFF
    udp = udp[:6] + struct.pack(">H", total) + udp[8:]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0x4000 + index, 0, 128, 17, 0) + addresses
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    ethernet = bytes.fromhex("02005e0000fe02005e0000010800")
    return ethernet + header + udp  # 50 bytes: taken on the server, before the card pads frames to 60


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def capture():
    """A section header, an Ethernet interface with microseconds, and a packet for each datagram; its packet id is the
    frame number of the report."""
    yield block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    yield block(1, struct.pack("<HHI", 1, 0, 262144))
    for index, (number, source_port, destination, port) in enumerate(DATAGRAMS):
        data = frame(index, source_port, destination, port)
        packet = struct.pack("<IIIII", 0, TIME >> 32, TIME & 0xFFFFFFFF, len(data), len(data))
        packet += data + b"\0" * (-len(data) % 4)
        yield block(6, packet + option(5, struct.pack("<Q", number)) + option(0, b""))


if len(sys.argv) != 2:
    sys.exit(__doc__.split("\n\n")[1])
with open(os.path.join(sys.argv[1], "input.pcapng"), "wb") as file:
    file.writelines(capture())

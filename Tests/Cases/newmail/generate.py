#!/usr/bin/env python3
"""Writes the captures of the new-mail case: input.pcap and shuffled.pcap.

usage: Tests/Cases/newmail/generate.py FOLDER"""
import os
import random
import struct
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "sample"))
import traffic  # noqa: E402
from traffic import ACK, CLIENT, CLIENT_RPC_PORT, FIN, PSH, RPC_PORT, SERVER  # noqa: E402

UDP, TCP = 17, 6
FETCH, DISCONNECT = 11, 1


def call(number, opnum, stub):
    return traffic.pdu(0, number, struct.pack("<IHH", len(stub), 0, opnum) + stub)


def answer(number, stub):
    return traffic.pdu(2, number, struct.pack("<IHBB", len(stub), 0, 0, 0) + stub)


def conversation():
    """Bind, registration, a notification and the fetch it brings about, the repeat a minute later, the end, and a
    datagram that comes too late."""
    capture = traffic.Capture()
    there = (CLIENT, CLIENT_RPC_PORT, SERVER, RPC_PORT)
    back = (SERVER, RPC_PORT, CLIENT, CLIENT_RPC_PORT)
    traffic.register(capture)
    notification = (CLIENT, traffic.CALLBACK_PORT, traffic.CONTEXT)
    capture.udp(2.0, SERVER, 36003, *notification)
    capture.tcp(2.004, *there, PSH | ACK, call(3, FETCH, traffic.SESSION + b"\x11" * 400))
    capture.tcp(2.006, *back, PSH | ACK, answer(3, traffic.SESSION + b"\x22" * 900))
    capture.udp(10.0, SERVER, 36017, *notification)
    capture.udp(70.1, SERVER, 36040, *notification)
    capture.tcp(72.0, *there, PSH | ACK, call(4, DISCONNECT, traffic.SESSION))
    capture.tcp(72.002, *back, PSH | ACK, answer(4, b"\0" * 24))
    capture.tcp(72.003, *there, FIN | ACK)
    capture.tcp(72.004, *back, FIN | ACK)
    capture.udp(80.0, SERVER, 36051, *notification)
    return capture


def split(segment):
    """A TCP segment in two, or as it is where it has less than two bytes."""
    payload = segment[20:]
    if len(payload) < 2:
        return [segment]
    half = len(payload) // 2
    sequence = struct.unpack(">I", segment[4:8])[0]
    return [
        segment[:20] + payload[:half],
        segment[:4] + struct.pack(">I", sequence + half) + segment[8:20] + payload[half:],
    ]


def shuffled(capture, generator):
    """The same with every segment split in two, every fourth sent again, and all of them out of order within a window;
    the datagrams keep their times."""
    result = traffic.Capture()
    run = []

    def flush():
        pieces = [(packet, piece) for packet in run for piece in split(packet[4])]
        for index in reversed(range(len(pieces))):
            if generator.random() < 0.25:
                pieces.insert(min(index + generator.randint(1, 3), len(pieces)), pieces[index])
        # The handshake's SYNs stay first: what stands before them belongs to a connection that nobody knows.
        first = 2 if not result.packets else 0
        for index in range(first, len(pieces)):
            other = min(index + generator.randint(0, 3), len(pieces) - 1)
            pieces[index], pieces[other] = pieces[other], pieces[index]
        start = run[0][0] if run else 0
        for index, (packet, piece) in enumerate(pieces):
            _, source, destination, protocol, _, sender = packet
            result.packets.append((start + 400 * index, source, destination, protocol, piece, sender))
        run.clear()

    for packet in sorted(capture.packets, key=lambda packet: packet[0]):
        if packet[3] == TCP:
            run.append(packet)
            continue
        flush()
        result.packets.append(packet)
    flush()
    return result


if len(sys.argv) != 2:
    sys.exit(__doc__.split("\n\n")[1])
whole = conversation()
whole.write(os.path.join(sys.argv[1], "input.pcap"))
shuffled(whole, random.Random(20260301)).write(os.path.join(sys.argv[1], "shuffled.pcap"))

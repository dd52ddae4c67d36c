#!/usr/bin/env python3
"""Writes the files of case B: a mail server that pings its domain controllers, and what Windows knows of its processes.
Nothing in it is random.

usage: Tests/Cases/case-b/generate.py FOLDER"""
import ipaddress
import os
import struct
import sys

SERVER = "192.0.2.10"
DC1, DC2, DC3, RELAY = "192.0.2.21", "192.0.2.22", "192.0.2.23", "192.0.2.40"
# 2010-01-14 11:00:00 UTC on the server's clock; the capture's is two hours and 50 ms ahead.
START = 1263466800
CAPTURE_OFFSET = 7200.05
STORE, MAD, MAD_AGAIN, LSASS, WEB, RESOLVER = 2136, 7176, 9028, 640, 3300, 884
MAD_ENDS, MAD_RETURNS, END = 120, 240, 360

# Who has a connection to whom: (process, local port, remote address, remote port, from, until), in seconds.
CONNECTIONS = [
    (STORE, 1045, DC1, 389, 0, END),
    (STORE, 1046, DC3, 3268, 0, END),
    (MAD, 1060, DC1, 389, 0, MAD_ENDS),
    (MAD, 1061, DC2, 389, 0, MAD_ENDS),
    (LSASS, 1030, DC2, 88, 0, END),
    (WEB, 1090, RELAY, 25, 0, END),
    (MAD_AGAIN, 1140, DC1, 389, MAD_RETURNS, END),
    (MAD_AGAIN, 1141, DC2, 389, MAD_RETURNS, END),
]
# Who pings whom, which no trace shows: every 10 s, on a quarter of the second of its own.
PINGS = [(STORE, DC1, 0.10), (STORE, DC3, 0.35), (MAD, DC2, 0.60), (MAD, DC1, 0.85)]
NAMES = {STORE: "store.exe", MAD: "mad.exe", MAD_AGAIN: "mad.exe", LSASS: "lsass.exe", WEB: "w3wp.exe",
         RESOLVER: "svchost.exe"}


# The capture.

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source, destination, protocol, body, identification):
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), identification, 0, 128, protocol, 0) + addresses
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return bytes.fromhex("02005e0000fe02005e0000010800") + header + body


def echo(kind, sequence):
    """One byte of payload, 0x3F; identifier 0x0200 as Windows 2003 has it for every process."""
    body = struct.pack(">BBHHHB", kind, 0, 0, 0x0200, sequence, 0x3F)
    return body[:2] + struct.pack(">H", checksum(body)) + body[4:]


def query(port, number):
    payload = struct.pack(">HHHHHH", 0x1000 + number, 0x0100, 1, 0, 0, 0) + b"\x04mail\x07example\0\0\x01\0\x01"
    return struct.pack(">HHHH", port, 53, 8 + len(payload), 0) + payload


def packets():
    """(time on the server's clock, frame), in order."""
    found = []
    sequence = identification = 0
    for second in range(0, END, 10):
        for process, server, part in PINGS:
            if process == MAD and MAD_ENDS <= second < MAD_RETURNS:
                continue
            sequence += 256
            identification += 2
            at = second + part
            found.append((at, frame(SERVER, server, 1, echo(8, sequence), identification)))
            found.append((at + 0.0004, frame(server, SERVER, 1, echo(0, sequence), identification + 1)))
    for number, (at, port, server, _) in enumerate(queries()):
        found.append((at + 0.00001, frame(SERVER, server, 17, query(port, number), 0x8000 + number)))
    return sorted(found)


def queries():
    """Name queries, which the trace shows too: they tell the clocks' difference."""
    return [(3.2, 1025, DC1, len(query(0, 0)) - 8), (133.7, 1026, DC2, len(query(0, 0)) - 8),
            (304.4, 1027, DC1, len(query(0, 0)) - 8)]


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def capture():
    yield block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    yield block(1, struct.pack("<HHI", 1, 0, 262144))
    for at, data in packets():
        time = round((START + at + CAPTURE_OFFSET) * 1_000_000)
        packet = struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(data), len(data))
        yield block(6, packet + data)


# The kernel trace of Windows Server 2003, as tracerpt prints it.

def stamp(at):
    """FILETIME; the server's clock advances every 15.625 ms."""
    return 116444736000000000 + (START * 10_000_000) + int(at / 0.015625) * 156250


def padded(address):
    return ".".join(f"{int(octet):03}" for octet in address.split("."))


def event(name, kind, at, thread, values):
    values = ", ".join(str(value) for value in values)
    return stamp(at), f"{name:>10}, {kind:>10}, 0x{thread:08X}, {stamp(at)}, 0, 15, {values}, 0, 0"


def network(name, kind, at, pid, size, remote, remote_port, local_port):
    return event(name, kind, at, 0xFFFFFFFF,
                 [pid, size, padded(remote), padded(SERVER), remote_port, local_port])


def process(kind, at, pid, name):
    return event("Process", kind, at, 0x00000A10,
                 [f"0x{pid * 4096:08X}", f"0x{pid:08X}", "0x000001F4", 0, "0x00000103",
                  '"\\\\NT AUTHORITY\\SYSTEM"', f'"{name}"'])


def trace():
    events = [process("DCStart", 0, pid, NAMES[pid]) for pid in (LSASS, RESOLVER, STORE, WEB, MAD)]
    for pid, port, remote, remote_port, start, end in CONNECTIONS:
        if start > 0:
            events.append(network("TcpIp", "Connect", start + 1, pid, 0, remote, remote_port, port))
        for second in range(start + 2, end - 2, 31):
            events.append(network("TcpIp", "Send", second + 0.4, pid, 118, remote, remote_port, port))
            events.append(network("TcpIp", "Recv", second + 0.42, pid, 22, remote, remote_port, port))
        if end < END:
            events.append(network("TcpIp", "Disconnect", end - 0.5, pid, 0, remote, remote_port, port))
    for at, port, server, size in queries():
        events.append(network("UdpIp", "Send", at, RESOLVER, size, server, 53, port))
    events.append(process("End", MAD_ENDS, MAD, NAMES[MAD]))
    events.append(process("Start", MAD_RETURNS, MAD_AGAIN, NAMES[MAD_AGAIN]))
    events += [process("DCEnd", END, pid, NAMES[pid]) for pid in (LSASS, RESOLVER, STORE, WEB, MAD_AGAIN)]
    lines = ["Event Name, Type, TID, Clock-Time, Kernel(ms), User(ms), User Data, IID, PIID"]
    lines += [line for _, line in sorted(events, key=lambda event: event[0])]
    return lines


# Listings: the time above each is what `wmic os get LocalDateTime` prints, here in UTC+2.

def taken(at):
    minutes, seconds = divmod(at, 60)
    return f"20100114{13 + minutes // 60:02}{minutes % 60:02}{seconds:02}.000000+120"


def tasks(at, processes):
    lines = ["LocalDateTime", taken(at), "",
             f"{'Image Name':25} {'PID':>8} {'Session Name':16} {'Session#':>11} {'Mem Usage':>12}",
             f"{'=' * 25} {'=' * 8} {'=' * 16} {'=' * 11} {'=' * 12}"]
    lines += [f"{name:25} {pid:>8} {'Console':16} {0:>11} {f'{memory:,} K':>12}" for name, pid, memory in processes]
    return lines


def sockets(at):
    lines = ["LocalDateTime", taken(at), "", "Active Connections", "",
             "  Proto  Local Address          Foreign Address        State           PID"]
    for pid, port, remote, remote_port, start, end in CONNECTIONS:
        if start <= at < end:
            lines += [f"  TCP    {f'{SERVER}:{port}':22} {f'{remote}:{remote_port}':22} {'ESTABLISHED':15} {pid}",
                      f"  [{NAMES[pid]}]", ""]
    lines += [f"  UDP    {'127.0.0.1:1025':22} {'*:*':22} {'':15} {RESOLVER}", "  Dnscache", "  [svchost.exe]", ""]
    return lines


COMMON = [("System Idle Process", 0, 28), ("System", 4, 236), ("lsass.exe", LSASS, 14212),
          ("svchost.exe", RESOLVER, 4308), ("store.exe", STORE, 1040592), ("w3wp.exe", WEB, 60112)]


def write(folder, name, lines):
    with open(os.path.join(folder, name), "w", newline="\r\n", encoding="ascii") as file:
        file.writelines(line + "\n" for line in lines)


def main(folder):
    with open(os.path.join(folder, "input.pcapng"), "wb") as file:
        file.writelines(capture())
    write(folder, "trace.csv", trace())
    write(folder, "tasklist-before.txt", tasks(5, COMMON + [("mad.exe", MAD, 45792)]))
    write(folder, "tasklist-between.txt", tasks(180, COMMON))
    write(folder, "tasklist-after.txt", tasks(355, COMMON + [("mad.exe", MAD_AGAIN, 39104)]))
    write(folder, "netstat.txt", sockets(20))


if len(sys.argv) != 2:
    sys.exit(__doc__.split("\n\n")[1])
main(sys.argv[1])

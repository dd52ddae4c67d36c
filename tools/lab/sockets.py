#!/usr/bin/env python3
"""Sends from sockets that are held, shared, reused and closed in ways that a reader of socket tables can tell, or must not
take for told. Run inside the accuracy network's host namespace; prints a JSON line for each way: its name, the IP version,
the packets, and the processes that held the socket.

usage: tools/lab/sockets.py GUEST-NAMESPACE

Each payload begins with 16 bytes: the way's name, the IP version and a counter."""
import json
import os
import socket
import struct
import subprocess
import sys
import time

HOST, PEER = {4: "192.0.2.1", 6: "2001:db8:1::1"}, {4: "192.0.2.2", 6: "2001:db8:1::2"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
COUNT = 5
# Longer than two readings of the tables are apart.
SETTLED = 0.7


def payload(way, version, index):
    return f"{way:<11}{version}{index:04}".encode()


def udp(version, port=0, reuse=False, address=""):
    sender = socket.socket(FAMILY[version], socket.SOCK_DGRAM)
    if reuse:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sender.bind((address, port))
    return sender


def send(sender, way, version):
    for index in range(COUNT):
        sender.sendto(payload(way, version, index), (PEER[version], 7001))


def echo(version, identifier, way, index):
    kind = 8 if version == 4 else 128
    data = struct.pack(">BBHHH", kind, 0, 0, identifier, index) + payload(way, version, index)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return data[:2] + struct.pack(">H", checksum) + data[4:]


def tell(way, version, holders):
    print(json.dumps({"way": way, "version": version, "count": COUNT, "holders": holders}), flush=True)


def child(body):
    """A process of its own, told to go on through its end of a pipe."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write)
        body(lambda: os.read(read, 1))
        os._exit(0)
    os.close(read)
    return pid, write


def end(process):
    os.close(process[1])
    os.waitpid(process[0], 0)


def held(version):
    """Sockets that stay: each way has one, and all packets leave while all are there."""
    base = 7100 + 100 * (version == 6)
    sole = udp(version, base)
    bound = udp(version, base + 1, address=HOST[version])
    shared = udp(version, base + 2)
    group = udp(version, base + 3, address="224.0.0.251") if version == 4 else None
    mapped = udp(6, base + 4) if version == 4 else None
    ping = socket.socket(FAMILY[version], socket.SOCK_DGRAM, 1 if version == 4 else 58)
    # Without this it would get its identifier with the first packet.
    ping.bind(("", 0))
    reused = udp(version, base + 5, reuse=True)
    def other(wait):
        for mine in (sole, bound, ping, reused, *filter(None, (group, mapped))):
            mine.close()
        rival = udp(version, base + 5, reuse=True)
        wait()
        rival.close()
    process = child(other)
    time.sleep(SETTLED)
    me = os.getpid()
    send(sole, "sole", version)
    tell("sole", version, [me])
    send(bound, "bound", version)
    tell("bound", version, [me])
    send(shared, "shared", version)
    tell("shared", version, [me, process[0]])
    send(reused, "reuseport", version)
    tell("reuseport", version, [me, process[0]])
    if group:
        send(group, "group", version)
        tell("group", version, [me])
    if mapped:
        for index in range(COUNT):
            mapped.sendto(payload("mapped", version, index), (f"::ffff:{PEER[4]}", 7001))
        tell("mapped", version, [me])
    for index in range(COUNT):
        ping.sendto(echo(version, 0, "ping", index), (PEER[version], 0))
    tell("ping", version, [me])
    time.sleep(SETTLED)
    end(process)


def raw(version):
    """A raw socket that sends echoes, beside one that only waits and must not be blamed."""
    sender = socket.socket(FAMILY[version], socket.SOCK_RAW, 1 if version == 4 else 58)
    idle = child(lambda wait: wait())
    time.sleep(SETTLED)
    for index in range(COUNT):
        sender.sendto(echo(version, (os.getpid() ^ 0x5A5A) & 0xFFFF, "raw", index), (PEER[version], 0))
    tell("raw", version, [os.getpid(), idle[0]])
    time.sleep(SETTLED)
    end(idle)
    # Most programs that make echoes themselves take their process id for the identifier.
    time.sleep(SETTLED)
    for index in range(COUNT):
        sender.sendto(echo(version, os.getpid() & 0xFFFF, "rawown", index), (PEER[version], 0))
    tell("rawown", version, [os.getpid()])
    time.sleep(SETTLED)
    sender.close()


def passing(version):
    """Sockets that are there for a moment, on ports that others have before and after."""
    port = 7150 + 100 * (version == 6)
    def once(way):
        def body(_):
            send(udp(version, port), way, version)
        process = child(body)
        end(process)
        tell(way, version, [process[0]])
    once("passing")
    holder = udp(version, port)
    time.sleep(SETTLED)
    holder.close()
    once("after")
    once("before")
    holder = udp(version, port)
    time.sleep(SETTLED)
    holder.close()


def translated(guest):
    """A container's packets that leave with this machine's address, and a port that a process here has too."""
    subprocess.run(["nft", "add table ip sockets; add chain ip sockets out { type nat hook postrouting priority 100; };"
                    "add rule ip sockets out oifname h0 ip saddr 198.51.100.130 masquerade"], check=True)
    innocent = udp(4, 7190)
    time.sleep(SETTLED)
    code = (f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 7190))\n"
            f"for i in range({COUNT}): s.sendto(b'%-11s4%04d' % (b'translated', i), ('{PEER[4]}', 7001))")
    process = subprocess.Popen(["ip", "netns", "exec", guest, sys.executable, "-c", code])
    process.wait()
    tell("translated", 4, [process.pid])
    time.sleep(SETTLED)
    innocent.close()


def main():
    for version in (4, 6):
        held(version)
        raw(version)
        passing(version)
    translated(sys.argv[1])


if __name__ == "__main__":
    main()

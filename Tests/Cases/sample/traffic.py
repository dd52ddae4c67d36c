"""The sample's traffic, packet by packet and field by field.

A mail server of the old kind (192.0.2.1), its clients, a directory server and a name server, as the server's interface
saw them."""
import ipaddress
import struct

SERVER, CLIENT, DIRECTORY, NAMES = "192.0.2.1", "198.51.100.7", "192.0.2.53", "192.0.2.54"
OTHER_CLIENTS = ["198.51.100.21", "198.51.100.35", "198.51.100.48", "203.0.113.12", "203.0.113.77"]
OTHER_PORTS = [1141, 5032, 2642, 1193, 2303]
LOCAL = (SERVER, DIRECTORY, NAMES)
SERVER_MAC, ROUTER_MAC, DIRECTORY_MAC, NAMES_MAC = (bytes.fromhex(mac) for mac in (
    "02005e000001", "02005e0000fe", "02005e000053", "02005e000054"))
RPC_PORT, CLIENT_RPC_PORT, CALLBACK_PORT = 1145, 1048, 2762
CONTEXT = bytes.fromhex("1122334455667788")
EMSMDB = bytes.fromhex("00dbf1a447ca6710b31f00dd010662da") + bytes.fromhex("00005100")
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<I", 2)
SESSION = struct.pack("<I", 0) + bytes.fromhex("5f1d2c3b4a5968778695a4b3c2d1e0f0")
# 2026-03-01 10:20:30 UTC
START = 1772360430


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return ipaddress.IPv4Address(text).packed


class Capture:
    """Packets as the interface saw them, with what the headers need to remember."""

    def __init__(self):
        self.packets = []
        self.sender = None  # which of the server's processes is at work
        self.sequence = {}

    def packet(self, at, source, destination, protocol, segment):
        """An IPv4 packet; `at` in seconds after the start."""
        self.packets.append((round(at * 1_000_000), source, destination, protocol, segment, self.sender))

    def frames(self):
        """Time in microseconds, Ethernet frame and sender, in order of time; a host's IP ids count up as it sends."""
        identification = {}
        for at, source, destination, protocol, segment, sender in sorted(self.packets, key=lambda packet: packet[0]):
            identification[source] = identification.get(source, 0x1000) + 1
            lifetime = 64 if source in LOCAL else 63
            header = struct.pack(
                ">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), identification[source], 0x4000, lifetime, protocol, 0,
                address(source), address(destination))
            header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
            frame = mac(destination) + mac(source) + b"\x08\x00" + header + segment
            frame += b"\0" * (60 - len(frame))  # a frame on Ethernet is padded to 60 bytes
            yield START * 1_000_000 + at, frame, sender if source == SERVER and protocol != 6 else None

    def udp(self, at, source, source_port, destination, port, payload):
        length = 8 + len(payload)
        header = struct.pack(">HHHH", source_port, port, length, 0)
        pseudo = address(source) + address(destination) + struct.pack(">BBH", 0, 17, length)
        total = checksum(pseudo + header + payload) or 0xFFFF
        self.packet(at, source, destination, 17, header[:6] + struct.pack(">H", total) + payload)

    def echo(self, at, source, destination, identifier, sequence, payload, reply=False):
        header = struct.pack(">BBHHH", 0 if reply else 8, 0, 0, identifier, sequence)
        total = checksum(header + payload)
        self.packet(at, source, destination, 1, header[:2] + struct.pack(">H", total) + header[4:] + payload)

    def tcp(self, at, source, source_port, destination, port, flags, payload=b""):
        """A segment; sequence numbers follow from what each side sent before."""
        here, there = (source, source_port, destination, port), (destination, port, source, source_port)
        sequence = self.sequence.setdefault(here, 1000 + source_port)
        acknowledged = self.sequence.get(there, 0) if flags & 0x10 else 0
        header = struct.pack(">HHIIBBHHH", source_port, port, sequence, acknowledged, 0x50, flags, 64240, 0, 0)
        pseudo = address(source) + address(destination) + struct.pack(">BBH", 0, 6, len(header) + len(payload))
        total = checksum(pseudo + header + payload)
        self.packet(at, source, destination, 6, header[:16] + struct.pack(">H", total) + header[18:] + payload)
        self.sequence[here] = sequence + len(payload) + (1 if flags & 0x03 else 0)

    def handshake(self, at, client, client_port, server, port):
        self.tcp(at, client, client_port, server, port, SYN)
        self.tcp(at + 0.0004, server, port, client, client_port, SYN | ACK)
        self.tcp(at + 0.0011, client, client_port, server, port, ACK)

    def write(self, path):
        with open(path, "wb") as file:
            # magic (microseconds), version 2.4, zone, accuracy, snap length, Ethernet
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
            for time, frame, _ in self.frames():
                file.write(struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(frame), len(frame)) + frame)


FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10


def mac(host):
    return {SERVER: SERVER_MAC, DIRECTORY: DIRECTORY_MAC, NAMES: NAMES_MAC}.get(host, ROUTER_MAC)


def pdu(kind, call, body):
    """A DCE/RPC PDU, connection-oriented, little-endian, first and last fragment, no authentication."""
    return struct.pack("<BBBB4sHHI", 5, 0, kind, 0x03, b"\x10\0\0\0", 16 + len(body), 0, call) + body


def bind():
    context = struct.pack("<HBB", 0, 1, 0) + EMSMDB + NDR
    return pdu(11, 1, struct.pack("<HHI", 5840, 5840, 0) + struct.pack("<B3x", 1) + context)


def bind_ack():
    secondary = b"%d\0" % RPC_PORT
    body = struct.pack("<HHI", 5840, 5840, 0x2A17) + struct.pack("<H", len(secondary)) + secondary
    body += b"\0" * (-len(body) % 4)
    return pdu(12, 1, body + struct.pack("<B3x", 1) + struct.pack("<HH", 0, 0) + NDR)


def register_request():
    """EcRRegisterPushNotification: where to send a datagram, and what to put in it."""
    callback = struct.pack("<H", 2) + struct.pack(">H", CALLBACK_PORT) + address(CLIENT) + b"\0" * 8
    stub = SESSION + struct.pack("<I", 0)
    stub += struct.pack("<I", len(CONTEXT)) + CONTEXT + struct.pack("<H", len(CONTEXT))
    stub += b"\xab\xcd"  # alignment, which is not zero on the wire
    stub += struct.pack("<I", 0xFFFFFFFF)
    stub += struct.pack("<I", len(callback)) + callback + struct.pack("<H", len(callback))
    assert len(stub) == 66
    return pdu(0, 2, struct.pack("<IHH", len(stub), 0, 4) + stub)


def register_response():
    stub = SESSION + struct.pack("<II", 0x31, 0)
    return pdu(2, 2, struct.pack("<IHBB", len(stub), 0, 0, 0) + stub)


def register(capture):
    rpc = (CLIENT, CLIENT_RPC_PORT, SERVER, RPC_PORT)
    back = (SERVER, RPC_PORT, CLIENT, CLIENT_RPC_PORT)
    capture.handshake(0.0, *rpc)
    capture.tcp(0.0020, *rpc, PSH | ACK, bind())
    capture.tcp(0.0031, *back, PSH | ACK, bind_ack())
    capture.tcp(0.0052, *rpc, PSH | ACK, register_request())
    capture.tcp(0.0074, *back, PSH | ACK, register_response())
    capture.tcp(0.0091, *rpc, ACK)


def notify(capture, at, first_port):
    """New mail for six clients: one datagram each, source ports rising by one."""
    contexts = [CONTEXT] + [bytes.fromhex(f"9c4{index}00a7e1{index:02x}5fb2") for index in range(len(OTHER_CLIENTS))]
    clients = zip([CLIENT] + OTHER_CLIENTS, [CALLBACK_PORT] + OTHER_PORTS, contexts)
    for index, (client, port, context) in enumerate(clients):
        capture.udp(at + index * 0.00006, SERVER, first_port + index, client, port, context)


def ping_directory(capture):
    ldap = (SERVER, 1203, DIRECTORY, 389)
    capture.handshake(0.3, *ldap)
    for sequence in range(1, 4):
        at = 0.4 + sequence
        capture.echo(at, SERVER, DIRECTORY, 0x0200, sequence, b"\x3f")
        capture.echo(at + 0.0003, DIRECTORY, SERVER, 0x0200, sequence, b"\x3f", reply=True)


def ask_for_a_name(capture):
    name = b"\x04mail\x07example\x00"
    query = struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
    answer = struct.pack(">HHHHHH", 0x1234, 0x8180, 1, 1, 0, 0) + name + struct.pack(">HH", 1, 1)
    answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 300, 4) + address(SERVER)
    capture.udp(2.2, SERVER, 49152, NAMES, 53, query)
    capture.udp(2.2012, NAMES, 53, SERVER, 49152, answer)


def ping_innocently(capture):
    payload = bytes(8) + bytes(range(16, 64))
    for sequence in (1, 2):
        at = 4.5 + sequence
        capture.echo(at, SERVER, NAMES, 0x6B1E, sequence, payload)
        capture.echo(at + 0.0004, NAMES, SERVER, 0x6B1E, sequence, payload, reply=True)


def sample():
    """The whole sample; `sender` names the process for each of the server's own datagrams and pings."""
    capture = Capture()
    register(capture)
    capture.sender = "store"
    notify(capture, 1.0, 35996)
    notify(capture, 61.0, 36010)  # nobody fetched: the same again after a minute
    capture.sender = "mad"
    ping_directory(capture)
    capture.sender = "resolver"
    ask_for_a_name(capture)
    capture.sender = "ping"
    ping_innocently(capture)
    return capture

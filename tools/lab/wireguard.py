#!/usr/bin/env python3
"""Configures a WireGuard device without wg(8), by the kernel's netlink interface (linux/wireguard.h).

usage: tools/lab/wireguard.py DEVICE PORT PRIVATE-KEY PEER-KEY PEER-ADDRESS INNER-ADDRESS

Keys in hexadecimal; the peer listens on the same port."""
import ipaddress
import socket
import struct
import sys

# Private and public keys (RFC 7748); the private ones are plain text, for they have nothing to protect.
KEYS = (
    ("77686f73656e74206c616220686f737477686f73656e74206c616220686f7374",
     "619d1b9f3b279205df3e5f09078ddf1227e8ef0585e28db8ad2cd40909ddbe12"),
    ("77686f73656e74206c6162207065657277686f73656e74206c61622070656572",
     "c07fce84d578ba0095e1fc26bfacca256154af10bd23c65bcb2d5ea138ea8803"),
)
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 0x10, 3, 1, 2
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR, NLA_F_NESTED = 1, 4, 2, 0x8000
WG_CMD_SET_DEVICE = 1
DEVICE_NAME, DEVICE_PRIVATE_KEY, DEVICE_LISTEN_PORT, DEVICE_PEERS = 2, 3, 6, 8
PEER_PUBLIC_KEY, PEER_ENDPOINT, PEER_ALLOWED = 1, 4, 9
ALLOWED_FAMILY, ALLOWED_ADDRESS, ALLOWED_MASK = 1, 2, 3


def attribute(kind, value):
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def nested(kind, *values):
    return attribute(kind | NLA_F_NESTED, b"".join(values))


def ask(netlink, family, command, version, *attributes, flags=0):
    """Sends a request and returns what came back; the kernel's refusals become exceptions."""
    body = struct.pack("=BBH", command, version, 0) + b"".join(attributes)
    netlink.send(struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST | flags, 1, 0) + body)
    answer = netlink.recv(65536)
    if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
        number = -struct.unpack_from("=i", answer, 16)[0]
        if number:
            raise OSError(number, "the kernel refused")
    return answer


def family_id(netlink, name):
    answer = ask(netlink, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, attribute(CTRL_ATTR_FAMILY_NAME, name + b"\0"))
    at = 20
    while at < len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind == CTRL_ATTR_FAMILY_ID:
            return struct.unpack_from("=H", answer, at + 4)[0]
        at += (length + 3) & ~3
    raise OSError(f"no netlink family {name.decode()}")


def endpoint(address, port):
    if address.version == 4:
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + address.packed + bytes(8)
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + address.packed + bytes(4)


def main():
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    device, port, private, public, outer, inner = sys.argv[1:]
    inner, port = ipaddress.ip_address(inner), int(port)
    family = socket.AF_INET if inner.version == 4 else socket.AF_INET6
    allowed = nested(PEER_ALLOWED, nested(
        0, attribute(ALLOWED_FAMILY, struct.pack("=H", family)), attribute(ALLOWED_ADDRESS, inner.packed),
        attribute(ALLOWED_MASK, bytes([inner.max_prefixlen]))))
    peer = nested(0, attribute(PEER_PUBLIC_KEY, bytes.fromhex(public)),
                  attribute(PEER_ENDPOINT, endpoint(ipaddress.ip_address(outer), port)), allowed)
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)  # NETLINK_GENERIC
    netlink.bind((0, 0))
    ask(netlink, family_id(netlink, b"wireguard"), WG_CMD_SET_DEVICE, 1, attribute(DEVICE_NAME, device.encode() + b"\0"),
        attribute(DEVICE_PRIVATE_KEY, bytes.fromhex(private)), attribute(DEVICE_LISTEN_PORT, struct.pack("=H", port)),
        nested(DEVICE_PEERS, peer), flags=NLM_F_ACK)


if __name__ == "__main__":
    main()

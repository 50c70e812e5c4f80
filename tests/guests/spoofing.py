"""Frames that no guest may send, each with its name in it, and who hears them:
``python -m tests.guests.spoofing send MAC ADDRESS`` sends all of them by eth0, and
``python -m tests.guests.spoofing hear FILE`` writes down the names of those that come.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
from pathlib import Path

MARK = re.compile(rb"spoofed-([a-z0-9-]+);")
BROADCAST, OTHER_MAC = b"\xff" * 6, bytes.fromhex("fa163e0000ee")
EVERYTHING = 0x0003
IPV4, IPV6, ARP, VLAN, QINQ = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
UDP, ICMP6 = 17, 58
ALL_NODES = "ff02::1"
ALLOWED = "allowed"


def link_local(mac: bytes) -> str:
    name = bytes([mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]])
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + name))


def frame(source: bytes, kind: int, body: bytes, *, to: bytes = BROADCAST) -> bytes:
    return to + source + struct.pack("!H", kind) + body


def udp(source: int, target: int, data: bytes) -> bytes:
    return struct.pack("!HHHH", source, target, 8 + len(data), 0) + data


def ipv4(source: str, data: bytes) -> bytes:
    ends = ipaddress.IPv4Address(source).packed + BROADCAST[:4]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 0, 0, 64, UDP, 0) + ends
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", checksum) + head[12:] + data


def ipv6(source: str, kind: int, data: bytes) -> bytes:
    ends = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(ALL_NODES).packed
    return struct.pack("!IHBB", 6 << 28, len(data), kind, 255) + ends + data


def arp(mac: bytes, address: str, data: bytes) -> bytes:
    """An answer that nobody has asked for."""
    own = ipaddress.IPv4Address(address).packed
    return bytes.fromhex("0001080006040002") + mac + own + mac + own + data


def frames(mac: bytes, address: str) -> dict[str, bytes]:
    """By their names; ``allowed`` is what the guest may send."""
    own_6, other = link_local(mac), "10.0.0.99"

    def told(name: str) -> bytes:
        return f"spoofed-{name};".encode()

    def by_4(source: str, name: str, ports: tuple[int, int] = (5000, 5001)) -> bytes:
        return ipv4(source, udp(*ports, told(name)))

    def by_6(source: str, name: str, ports: tuple[int, int] = (5000, 5001)) -> bytes:
        return ipv6(source, UDP, udp(*ports, told(name)))

    advert = bytes([134, 0, 0, 0, 64, 0, 7, 8]) + bytes(8) + told("router")
    target = ipaddress.IPv6Address("fe80::99").packed
    neighbour = bytes([136, 0, 0, 0, 0x20, 0, 0, 0]) + target + told("neighbour")
    return {
        ALLOWED: frame(mac, IPV4, by_4(address, ALLOWED)),
        "allowed-6": frame(mac, IPV6, by_6(own_6, "allowed-6")),
        "mac": frame(OTHER_MAC, IPV4, by_4(address, "mac")),
        "mac-6": frame(OTHER_MAC, IPV6, by_6(own_6, "mac-6")),
        "ipv4": frame(mac, IPV4, by_4(other, "ipv4")),
        "metadata": frame(mac, IPV4, by_4("169.254.169.254", "metadata")),
        "ipv6": frame(mac, IPV6, by_6("fd00::99", "ipv6")),
        "arp": frame(mac, ARP, arp(mac, other, told("arp"))),
        "arp-mac": frame(mac, ARP, arp(OTHER_MAC, address, told("arp-mac"))),
        "neighbour": frame(mac, IPV6, ipv6(own_6, ICMP6, neighbour)),
        "router": frame(mac, IPV6, ipv6(own_6, ICMP6, advert)),
        "dhcp": frame(mac, IPV4, by_4(address, "dhcp", (67, 68))),
        "dhcp6": frame(mac, IPV6, by_6(own_6, "dhcp6", (547, 546))),
        "vlan": frame(mac, VLAN, struct.pack("!HH", 5, IPV4) + by_4(address, "vlan")),
        "qinq": frame(mac, QINQ, struct.pack("!HH", 5, IPV4) + by_4(address, "qinq")),
    }


def main() -> None:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
    wire.bind(("eth0", EVERYTHING))
    if sys.argv[1] == "send":
        for one in frames(bytes.fromhex(sys.argv[2].replace(":", "")), sys.argv[3]).values():
            wire.send(one.ljust(60, b"\0"))
        return
    with Path(sys.argv[2]).open("w", encoding="ascii", buffering=1) as file:
        file.write("listening\n")
        while True:
            found = MARK.search(wire.recv(2048))
            if found is not None:
                file.write(found[1].decode() + "\n")


if __name__ == "__main__":
    main()

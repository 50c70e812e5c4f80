"""Asks for an address by DHCPv6, or only for what else there is to know, and says what was answered
in JSON: ``python -m tests.guests.dhcp6 MAC [ask]``.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import struct
import sys
import time
from collections.abc import Iterator

SOLICIT, ADVERTISE, REPLY, INFORMATION = 1, 2, 7, 11
CLIENT_ID, ADDRESSES, ADDRESS, WANTED, ELAPSED, DNS = 1, 3, 5, 6, 8, 23
TRANSACTION = b"\x01\x02\x03"
TRIES, SECONDS = 4, 2.0


def option(code: int, data: bytes) -> bytes:
    return struct.pack("!HH", code, len(data)) + data


def options_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        code, size = struct.unpack("!HH", data[:4])
        yield code, data[4 : 4 + size]
        data = data[4 + size :]


def question(mac: str, *, only_asks: bool) -> bytes:
    name = b"\x00\x03\x00\x01" + bytes.fromhex(mac.replace(":", ""))
    wanted = option(WANTED, struct.pack("!H", DNS)) + option(ELAPSED, b"\x00\x00")
    told = option(CLIENT_ID, name) + wanted
    if only_asks:
        return bytes([INFORMATION]) + TRANSACTION + told
    return bytes([SOLICIT]) + TRANSACTION + told + option(ADDRESSES, b"\x00\x00\x00\x01" + bytes(8))


def read(answer: bytes) -> dict[str, str | None]:
    found: dict[str, str | None] = {"address": None, "dns": None}
    for code, data in options_of(answer[4:]):
        if code == ADDRESSES:
            for inner, more in options_of(data[12:]):
                if inner == ADDRESS:
                    found["address"] = str(ipaddress.IPv6Address(more[:16]))
        elif code == DNS:
            found["dns"] = str(ipaddress.IPv6Address(data[:16]))
    return found


def main() -> None:
    mac, only_asks = sys.argv[1], "ask" in sys.argv[2:]
    found: dict[str, str | None] = {"address": None, "dns": None}
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as wire:
        place = socket.if_nametoindex("eth0")
        wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, place)
        wire.bind(("::", 546))
        wire.settimeout(SECONDS)
        for _ in range(TRIES):
            try:
                wire.sendto(question(mac, only_asks=only_asks), ("ff02::1:2", 547, 0, place))
                answer = wire.recv(2048)
            except TimeoutError:
                continue
            except OSError:  # it is not sure of its own address yet
                time.sleep(1)
                continue
            if answer[0] in (ADVERTISE, REPLY):
                found = read(answer)
                break
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

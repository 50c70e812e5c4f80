"""A VLAN device where the kernel makes none: frames with one tag on a wire are those without it on
a tap, both ways. ``python -m tests.guests.tagging WIRE TAP NUMBER`` goes on until it is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import struct
import sys

from servers.agent.network.commands import run

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
SOL_PACKET, PACKET_AUXDATA = 263, 8
AUXDATA = struct.Struct("=IIIHHHH")
TAGGED, HAS_TAG = 0x8100, 0x10
EVERYTHING = 0x0003
LARGEST = 65536


def open_tap(name: str) -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def open_wire(name: str) -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
    wire.bind((name, EVERYTHING))
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    return wire


def tag_of(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The kernel takes tags off, and tells them beside the frame."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, *_, tag, _ = AUXDATA.unpack(data[: AUXDATA.size])
            return tag & 0xFFF if status & HAS_TAG else None
    return None


def main() -> None:
    name, tap_name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tap, wire = open_tap(tap_name), open_wire(name)
    run("ip", "link", "set", name, "promisc", "on")
    tag = struct.pack("!HH", TAGGED, number)
    while True:
        ready, _, _ = select.select([tap, wire], [], [])
        if wire in ready:
            frame, ancillary, _, (*_, packet_type, _, _) = wire.recvmsg(LARGEST, 256)
            if packet_type != socket.PACKET_OUTGOING and tag_of(ancillary) == number:
                with contextlib.suppress(OSError):  # it is not up yet
                    os.write(tap, frame)
        if tap in ready:
            frame = os.read(tap, LARGEST)
            wire.send(frame[:12] + tag + frame[12:])


if __name__ == "__main__":
    main()

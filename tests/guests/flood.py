"""Sends UDP as fast as it can, or says how many kilobits a second arrive:
``python -m tests.guests.flood ADDRESS SECONDS``, or ``count`` in place of the address.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time

PORT, SIZE = 99, 1200
PAUSE = 0.001
"""Between two lots of packets, so that the machine has time for others."""


def send(address: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        while time.monotonic() < end:
            for _ in range(8):
                with contextlib.suppress(OSError):
                    out.sendto(bytes(SIZE), (address, PORT))
            time.sleep(PAUSE)


def count(seconds: float) -> int:
    """From the first packet on; a second longer, for what is late."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as into:
        into.bind(("", PORT))
        into.settimeout(10)
        size = len(into.recv(SIZE + 1))
        end = time.monotonic() + seconds + 1
        into.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < end:
                size += len(into.recv(SIZE + 1))
    return int(size * 8 / 1000 / seconds)


def main() -> None:
    where, seconds = sys.argv[1], float(sys.argv[2])
    if where == "count":
        sys.stdout.write(f"{count(seconds)}\n")
    else:
        send(where, seconds)


if __name__ == "__main__":
    main()

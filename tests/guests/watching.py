"""Says what ICMP comes by on a wire, with its tag, its sender's MAC and its byte of service:
``python -m tests.guests.watching WIRE``.
"""

from __future__ import annotations

import sys

from tests.guests.tagging import LARGEST, open_wire, tag_of

IPV4, TAGGED, ICMP = bytes.fromhex("0800"), bytes.fromhex("8100"), 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    wire = open_wire(sys.argv[1])
    say("listening")
    while True:
        frame, ancillary, _, _ = wire.recvmsg(LARGEST, 256)
        tag = tag_of(ancillary)
        if frame[12:14] == TAGGED:  # one that is sent from here
            tag, frame = int.from_bytes(frame[14:16], "big"), frame[:12] + frame[16:]
        if frame[12:14] == IPV4 and frame[23] == ICMP:
            say(f"icmp {tag} {frame[6:12].hex(':')} {frame[15]}")


if __name__ == "__main__":
    main()

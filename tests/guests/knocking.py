"""Knocks at a port every 50 ms, and writes down when each knock was that was answered, by whatever
answer: ``python knocking.py ADDRESS PORT SECONDS FILE``.

The clock is the machine's monotonic one. What is answered late was sent again, and does not count.
"""

from __future__ import annotations

import errno
import selectors
import socket
import sys
import time

EVERY, LATE = 0.05, 0.8
GOING = {errno.EINPROGRESS, errno.EWOULDBLOCK}
REFUSED = {0, errno.ECONNREFUSED}


def main() -> None:
    address, port, seconds, name = sys.argv[1:]
    end = time.monotonic() + float(seconds)
    waiting = selectors.DefaultSelector()
    knocked = 0.0
    with open(name, "w", encoding="ascii", buffering=1) as file:  # noqa: PTH123 - a script
        while (now := time.monotonic()) < end:
            if now - knocked >= EVERY:
                knocked = now
                one = socket.socket()
                one.setblocking(False)
                code = one.connect_ex((address, int(port)))
                if code in GOING:
                    waiting.register(one, selectors.EVENT_WRITE, now)
            for key, _ in waiting.select(0.005):
                code = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code in REFUSED and time.monotonic() - key.data < LATE:
                    file.write(f"{key.data}\n")
                forget(waiting, key)
            for key in list(waiting.get_map().values()):
                if now - key.data > LATE:
                    forget(waiting, key)


def forget(waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    waiting.unregister(key.fileobj)
    key.fileobj.close()


if __name__ == "__main__":
    main()

"""One client's connection: what has arrived, what is still to be sent, and until when."""

from __future__ import annotations

import contextlib
import enum
import math
import socket
import time
from typing import Any

from compute_site.db.cancelling import Statements
from compute_site.waiting.held import Held
from compute_site.web_server.file_part import AT_ONCE, FilePart
from compute_site.web_server.intake import Intake

PIECE = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class State(enum.Enum):
    """IDLE → RECEIVING → WORKING → SENDING → IDLE or LINGERING; a request that waits for something
    goes from WORKING to HELD and back, a stream from WORKING to STREAMING and LINGERING.

    WORKING belongs to a thread, all others to the main one.
    """

    IDLE = "no byte of a request has come"
    RECEIVING = "a request is coming"
    WORKING = "a thread makes the answer"
    HELD = "the answer waits for something to happen"
    SENDING = "the client takes the answer"
    STREAMING = "the client takes what is new, for as long as it likes"
    LINGERING = "the answer is sent; what still comes is thrown away, then it ends"


class Connection:
    """``deadline`` is when the client must be through with its part, on the monotonic clock."""

    def __init__(self, sock: socket.socket, address: Any, body_limit: int) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.address = address
        self.server = sock.getsockname()
        self.state = State.IDLE
        self.since = 0.0
        self.deadline = math.inf
        self.watched = 0
        """The events that the main thread waits for."""
        self.intake = Intake(body_limit)
        self.told_to_continue = False
        self.answer = b""
        self.unsent = memoryview(self.answer)
        self.part: FilePart | None = None
        self.keep = False
        """Does the connection go on after this answer?"""
        self.held: Held | None = None
        """What the answer waits for, or the stream that it is."""
        self.until: float | None = None
        """When a request that has waited must be answered, on the monotonic clock."""
        self.statements: Statements | None = None
        """What a thread asks the database to make the answer, if it only reads."""

    def fileno(self) -> int:
        return self.sock.fileno()

    def enter(self, state: State, seconds: float = math.inf) -> None:
        """The client has so many seconds until the next state."""
        self.state = state
        self.since = time.monotonic()
        self.deadline = self.since + seconds

    def receive(self, most: int = PIECE) -> bytes | None:
        """What has arrived; ``None`` if that is nothing yet, ``b""`` if the client is gone."""
        try:
            return self.sock.recv(most)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    @property
    def is_gone(self) -> bool:
        """Has the client ended its side? Who sends requests without waiting is not looked at."""
        try:
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    def tell_to_continue(self) -> None:
        """Answer ``Expect: 100-continue``: the client waits for that before it sends the body."""
        head = self.intake.head
        if head is not None and head.expects_continue and not self.told_to_continue:
            self.told_to_continue = True
            with contextlib.suppress(OSError):
                self.sock.send(CONTINUE)

    def send(self, answer: bytes, part: FilePart | None = None) -> None:
        """Send as much as the client takes now, the part of a file last; ``unsent`` and ``part``
        are the rest.
        """
        self.answer, self.part = answer, part
        self.unsent = memoryview(answer)
        self.send_on()

    def send_more(self, piece: bytes) -> None:
        """Send a piece after what is unsent."""
        self.send(bytes(self.unsent) + piece)

    def send_on(self) -> None:
        """Send more of what is unsent; nothing is left for a client that is gone."""
        most = AT_ONCE
        try:
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
            while self.part is not None and self.part.left:
                if not most:
                    return
                most -= self.part.send_to(self.sock.fileno(), most)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.keep = False
        self.drop_answer()

    def drop_answer(self) -> None:
        """Nothing more of the answer is sent."""
        self.unsent = memoryview(b"")
        if self.part is not None:
            self.part.release()
            self.part = None

    @property
    def bytes_left(self) -> int:
        """What is still to be sent of the answer."""
        return len(self.unsent) + (self.part.left if self.part is not None else 0)

    @property
    def waits_for_next(self) -> bool:
        """Is the answer sent, and nothing left to do until the client asks again?"""
        return self.keep and self.held is None and not self.bytes_left and not self.intake.data

    def begin_next(self) -> None:
        """Expect another request; what has come of it already is kept."""
        self.intake = Intake(self.intake.body_limit, bytes(self.intake.data))
        self.until = None
        self.told_to_continue = False

    def end_sending(self) -> bool:
        """Tell the client that no more is to come; ``False`` if it is gone already."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

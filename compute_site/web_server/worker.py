"""A worker of gunicorn whose threads never wait for a client.

The main thread talks to all clients at once: it collects requests until they are complete, within
limits of size and time, and sends off answers. Threads only turn one into the other. So neither
connections on which nothing comes, nor bodies that are half sent, nor clients that do not take
their answers, keep anybody else from being served.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from gunicorn.workers.base import Worker

from compute_site.db.cancelling import cancellable
from compute_site.metrics.meters import Flushing
from compute_site.waiting.held import Held
from compute_site.web_server.answering import answer
from compute_site.web_server.connection import Connection, State
from compute_site.web_server.intake import Stage
from compute_site.web_server.lanes import Lane, Lanes
from compute_site.web_server.refusals import Busy, Malformed, Refused, TooSlow
from compute_site.web_server.upload import GRACE_SECONDS, SLOWEST
from compute_site.web_server.waiting_room import WaitingRoom

TICK_SECONDS = 1.0
LAST_SECONDS = 1.0
"""How long a process that stops waits for requests on connections that are open."""
ACCEPTED_AT_ONCE = 16
MOST_UNSENT = 1024 * 1024
"""Bytes of a stream that its client has not taken; it may come again and go on."""
READING = ("GET", "HEAD")
"""Requests that may be given up in the middle."""
SERVED = (State.WORKING, State.HELD, State.STREAMING)
"""These do not make room for others."""
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class PatientWorker(Worker):  # type: ignore[misc] # gunicorn has no types
    """``threads``, ``keepalive``, ``worker_connections``, ``max_requests`` and
    ``graceful_timeout`` of gunicorn's configuration mean what they mean for its own threaded
    worker. TLS is for a proxy in front.
    """

    first_byte_seconds = 10.0
    """From the connection to the first byte of a request."""
    request_seconds = 30.0
    """From the first byte of a request to its last."""
    linger_seconds = 5.0
    unsent_limit = 64 * 1024 * 1024
    """Bytes of answers, in one process, that wait for clients to take them."""

    @classmethod
    def check_config(cls, cfg: Any, _log: Any) -> None:
        if cfg.is_ssl:
            raise ValueError("This server speaks no TLS; put a proxy in front (docs/operating.md).")

    def init_process(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.connections: set[Connection] = set()
        self.finished: queue.SimpleQueue[tuple[Connection, Lane]] = queue.SimpleQueue()
        self.lanes = Lanes(self.cfg.threads)
        self.cancelling = ThreadPoolExecutor(1)  # the database may take a while to hear of it
        self.accepting = False
        self.next_tick = 0.0
        self.due: deque[Connection] = deque()
        """Requests that have waited and are to be answered."""
        super().init_process()

    def run(self) -> None:
        self.body_limit: int = settings.OPTIONS.max_body_bytes
        self.room = WaitingRoom(settings.OPTIONS.max_waiting_requests, self.wake_main)
        self.selector.register(self.PIPE[0], READ, self.wake_up)
        metrics = Flushing()
        while self.alive and os.getppid() == self.ppid:
            if not self.lanes.general.is_busy:
                self.accept_if(wanted=True)
            self.go_on()
        self.stop()
        metrics.stop()

    def stop(self) -> None:
        """Answer what has been asked, within ``graceful_timeout``, and nothing new."""
        self.alive = False
        self.accept_if(wanted=False)
        self.room.empty()
        for connection in self.connections:
            if connection.state is State.IDLE:  # its client may be sending just now
                connection.enter(State.IDLE, LAST_SECONDS)
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while self.connections and time.monotonic() < deadline:
            self.go_on()
        self.lanes.stop()
        self.cancelling.shutdown(wait=False)

    def go_on(self) -> None:
        """Do what is to be done now, or wait a little for something to do."""
        ready = self.selector.select(0 if self.finished.qsize() else TICK_SECONDS)
        while self.finished.qsize():
            self.take_back(*self.finished.get())
        while self.room.news.qsize():
            self.hear(*self.room.news.get())
        if self.due:
            self.answer_due()
        for key, _ in ready:
            key.data(key.fileobj)
        now = time.monotonic()
        if now > self.next_tick:
            self.next_tick = now + TICK_SECONDS
            self.notify()  # the arbiter ends us when it hears nothing
            self.end_late(now)
            self.cancel_for_gone(now)

    def wake_up(self, pipe: int) -> None:
        """A signal came, or a thread is through and needs the main one."""
        with contextlib.suppress(BlockingIOError):
            os.read(pipe, 4096)

    def wake_main(self) -> None:
        """Called by other threads."""
        with contextlib.suppress(BlockingIOError):  # it is full, and wakes us up anyway
            os.write(self.PIPE[1], b".")

    # clients come

    def accept_if(self, *, wanted: bool) -> None:
        if wanted == self.accepting:
            return
        self.accepting = wanted
        for listener in self.sockets:
            if wanted:
                listener.setblocking(False)
                self.selector.register(listener, READ, self.accept)
            else:
                self.selector.unregister(listener)

    def accept(self, listener: Any) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if self.lanes.general.is_busy:
                self.accept_if(wanted=False)  # another process may have a thread for the client
                return
            if len(self.connections) >= self.cfg.worker_connections and not self.make_room():
                return
            try:
                sock, address = listener.accept()
            except OSError:  # another process was faster, or the client is gone
                return
            self.welcome(sock, address)

    def welcome(self, sock: socket.socket, address: Any) -> None:
        try:
            connection = Connection(sock, address, self.body_limit)
        except OSError:
            sock.close()
            return
        connection.enter(State.IDLE, self.first_byte_seconds)
        self.connections.add(connection)
        self.watch(connection, READ)
        self.receive(connection)  # most clients send their request at once

    def make_room(self) -> bool:
        """End the connection that has kept us waiting for longest; ``False`` if all of them are
        being served.
        """
        waiting = [one for one in self.connections if one.state not in SERVED]
        if not waiting:
            return False
        self.end(min(waiting, key=lambda one: one.since))
        return True

    # they ask

    def react(self, connection: Connection) -> None:
        """Something can be read, or written."""
        while connection.state is State.WORKING:  # its thread is about to say that it is through
            self.take_back(*self.finished.get())
        if connection.state is State.SENDING:
            connection.send_on()
            self.look_after(connection)
        elif connection.state is State.HELD:
            self.watch(connection, 0)  # what else it asks is read after this answer
            if connection.is_gone:
                self.end(connection)
        elif connection.state is State.STREAMING:
            self.stream_on(connection)
        else:
            self.receive(connection)

    def receive(self, connection: Connection) -> None:
        data = connection.receive()
        if data is None:
            return
        if data:
            if connection.state is not State.LINGERING:
                self.feed(connection, data)
        elif connection.state is State.RECEIVING:
            self.refuse(connection, Malformed("The request broke off."))
        else:
            self.end(connection)

    def feed(self, connection: Connection, data: bytes) -> None:
        if connection.state is State.IDLE:
            connection.enter(State.RECEIVING, self.request_seconds)
        try:
            stage = connection.intake.feed(data)
        except Refused as refused:
            self.refuse(connection, refused)
            return
        if stage is Stage.PARTIAL:
            connection.tell_to_continue()
        else:
            self.serve(connection, stage)

    def serve(self, connection: Connection, stage: Stage) -> None:
        head = connection.intake.head
        assert head is not None  # noqa: S101 - else it would be partial
        lane = self.lanes.choose(head, stage)
        if lane.is_full:
            self.refuse(connection, Busy("Too many such requests wait; ask again later."))
            return
        self.watch(connection, 0)
        connection.enter(State.WORKING)
        lane.submit(self.work, connection, stage, lane)

    def work(self, connection: Connection, stage: Stage, lane: Lane) -> None:
        """Runs in a thread of the lane.

        The main thread is woken up only if there is something to do for it. As a rule the client
        has its answer, and the main thread hears from it when the next request comes.
        """
        head = connection.intake.head
        try:
            if head is not None and head.method in READING:
                with cancellable() as connection.statements:
                    answer(self, connection, stage)
            else:
                answer(self, connection, stage)
        finally:
            connection.statements = None
            goes_on = connection.waits_for_next
            if goes_on:
                self.watch(connection, READ)
            self.finished.put((connection, lane))
            if self.due or not (goes_on and self.accepting):
                self.wake_main()

    # they take their answers

    def take_back(self, connection: Connection, lane: Lane) -> None:
        """A thread is through with the request."""
        lane.taken -= 1
        self.nr += 1
        if self.nr >= self.max_requests:
            self.alive = False
        if connection.held is not None:
            self.keep(connection, connection.held)
        else:
            self.look_after(connection)

    # they wait for something

    def keep(self, connection: Connection, held: Held) -> None:
        """Nobody works on the request until there is something new."""
        connection.enter(State.STREAMING if held.stays else State.HELD)
        connection.until = held.until
        if held.stays:
            self.watch_stream(connection)
        else:
            self.watch(connection, READ)  # to see that the client is gone
        self.room.add(connection, held)
        if not self.alive:
            self.room.empty()

    def hear(self, connection: Connection, piece: bytes | None) -> None:
        """The waiting room has something for a client, who may be gone."""
        if connection.state is State.HELD and connection in self.connections:
            connection.held = None
            self.due.append(connection)
        elif connection.state is State.STREAMING and connection in self.connections:
            if piece is None:
                connection.held = None
                self.look_after(connection)
            else:
                connection.send_more(piece)
                self.watch_stream(connection)

    def answer_due(self) -> None:
        """Answer those who have waited, while a thread stays free for the others."""
        lane = self.lanes.general
        while self.due and lane.taken < max(1, lane.threads - 1):
            connection = self.due.popleft()
            if connection in self.connections:
                if not self.alive:
                    connection.until = 0.0
                self.serve(connection, Stage.COMPLETE)

    def stream_on(self, connection: Connection) -> None:
        """The client takes more, or is gone; what it says is thrown away."""
        if connection.receive() == b"":
            self.end(connection)
            return
        connection.send_on()
        self.watch_stream(connection)

    def watch_stream(self, connection: Connection) -> None:
        if len(connection.unsent) > MOST_UNSENT:
            self.end(connection)
        else:
            self.watch(connection, READ | WRITE if connection.bytes_left else READ)

    def refuse(self, connection: Connection, refused: Refused) -> None:
        self.log.info("%s: %d, %s", connection.address, refused.status, refused.detail)
        connection.keep = False
        connection.send(refused.answer())
        self.look_after(connection)

    def look_after(self, connection: Connection) -> None:
        """Send the rest of the answer, wait for the next request, or come to an end."""
        if connection.bytes_left:
            if connection.state is not State.SENDING:
                connection.enter(State.SENDING, GRACE_SECONDS + connection.bytes_left / SLOWEST)
                self.watch(connection, WRITE)
                self.limit_unsent()
        elif connection.keep:
            connection.begin_next()
            connection.enter(State.IDLE, self.cfg.keepalive if self.alive else LAST_SECONDS)
            self.watch(connection, READ)
            if connection.intake.data:
                self.feed(connection, b"")
        elif connection.end_sending():
            connection.enter(State.LINGERING, self.linger_seconds)
            self.watch(connection, READ)
        else:
            self.end(connection)

    def limit_unsent(self) -> None:
        """While too much is unsent, end those who have let us wait for longest."""
        sending = [one for one in self.connections if one.state is State.SENDING]
        sending.sort(key=lambda one: one.since, reverse=True)
        while sum(len(one.answer) for one in sending) > self.unsent_limit:
            self.end(sending.pop())

    # they go

    def cancel_for_gone(self, now: float) -> None:
        """What a client asked that did not wait for its answer need not be looked up to the end."""
        for connection in self.connections:
            statements = connection.statements
            late = now > connection.since + TICK_SECONDS
            if statements is not None and late and connection.is_gone:
                self.cancelling.submit(statements.cancel)

    def end_late(self, now: float) -> None:
        for connection in list(self.connections):
            if now > connection.deadline:
                if connection.state is State.RECEIVING:
                    self.refuse(connection, TooSlow("The request did not end in time."))
                else:
                    self.end(connection)

    def end(self, connection: Connection) -> None:
        self.watch(connection, 0)
        self.connections.discard(connection)
        if connection.state in SERVED:
            self.room.remove(connection)
        connection.drop_answer()
        connection.sock.close()

    def watch(self, connection: Connection, events: int) -> None:
        """Wait for these events of the connection; 0: for none."""
        if events == connection.watched:
            return
        if not connection.watched:
            self.selector.register(connection, events, self.react)
        elif events:
            self.selector.modify(connection, events, self.react)
        else:
            self.selector.unregister(connection)
        connection.watched = events

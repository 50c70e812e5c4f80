"""Requests that wait for a server take no thread of the web server."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pytest
from django.utils import timezone

from compute_site.web_server.configuration import threads
from servers.models import Instance
from tests.web_server.raw import RawAnswer, WebServer, read_answer, running
from tests.world.cast import Cast
from tests.world.factories import make_instance
from tests.world.worker_process import url_of_database, wait_until

CONFIGURATION = "compute_site.web_server.configuration"
TOKEN = f"X-Auth-Token: {Cast.reader.token}"
MOST = 12
"""So many may wait."""


@pytest.fixture
def server(transactional_db: None, cast: Cast) -> Iterator[WebServer]:
    variables = {
        "DATABASE_URL": url_of_database(),
        "COMPUTE_SITE_MAX_WAITING_REQUESTS": str(MOST),
    }
    with running(CONFIGURATION, **variables) as server:
        yield server


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", TOKEN, *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def show(instance: Instance, query: str = "", *headers: str) -> bytes:
    return get(f"/compute/v2.1/servers/{instance.uuid}{query}", *headers)


def read_block(stream: BinaryIO, end: bytes) -> bytes:
    """The bytes to this end."""
    found = b""
    while not found.endswith(end):
        piece = stream.read(1)
        assert piece, found
        found += piece
    return found


def ask_to_wait(server: WebServer, instance: Instance, wanted: str) -> socket.socket:
    client = server.connect()
    client.sendall(show(instance, f"?wait={wanted}&timeout=25"))
    return client


def status_of(answer: RawAnswer) -> str:
    return str(answer.json["server"]["status"])


def answered(clients: Sequence[socket.socket]) -> int:
    return len(select.select(clients, [], [], 0)[0])


def test_more_clients_wait_than_there_are_threads(server: WebServer) -> None:
    """Some more than may wait are refused; as many as there are threads may slip in."""
    built = make_instance(vm_state="building")
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(ask_to_wait(server, built, "status:ACTIVE,ERROR"))
            for _ in range(2 * MOST)
        ]
        wait_until(lambda: answered(clients) >= MOST - threads)
        assert status_of(server.ask(show(built))) == "BUILD", "others are served"
        assert answered(clients) <= MOST
        Instance.objects.filter(pk=built.pk).update(vm_state="error")
        answers = [read_answer(client) for client in clients]
        assert {answer.status for answer in answers} == {200, 429}
        assert {status_of(answer) for answer in answers if answer.status == 200} == {"ERROR"}
        assert {a.headers["Retry-After"] for a in answers if a.status == 429} == {"1"}
        clients[0].sendall(show(built))
        assert status_of(read_answer(clients[0])) == "ERROR", "the connection goes on"


def test_what_ends_the_waiting(server: WebServer) -> None:
    """The time, the end of the server, and the end of the web server. What a client asks while it
    waits is answered afterwards.
    """
    ends, stays = make_instance(), make_instance(vm_state="building")
    with server.connect() as client:
        client.sendall(show(stays, "?wait=status:ACTIVE&timeout=1"))
        client.sendall(show(stays, "", "Connection: close"))
        with client.makefile("rb") as answers:
            assert answers.read().count(b"HTTP/1.1 200 OK") == 2
    with ask_to_wait(server, ends, "deleted") as client:
        assert status_of(server.ask(show(ends))) == "ACTIVE"
        Instance.objects.filter(pk=ends.pk).update(vm_state="deleted", deleted_at=timezone.now())
        assert read_answer(client).status == 404
    with ask_to_wait(server, stays, "status:ACTIVE") as client:
        assert status_of(server.ask(show(stays))) == "BUILD"
        server.process.terminate()
        answer = read_answer(client)
        assert status_of(answer) == "BUILD"
        assert answer.headers["Connection"] == "close"


def test_a_stream_stays_open_and_takes_no_thread(server: WebServer) -> None:
    instance = make_instance(display_name="web", vm_state="building")
    with contextlib.ExitStack() as stack:
        streams = []
        for _ in range(MOST):
            gone = client = stack.enter_context(server.connect())
            client.sendall(get("/compute/v2.1/servers/events"))
            streams.append(stack.enter_context(client.makefile("rb")))
        heads = [read_block(stream, b"\r\n\r\n") for stream in streams]
        assert all(head.startswith(b"HTTP/1.1 200 OK") for head in heads)
        assert all(b"Content-Type: text/event-stream" in head for head in heads)
        assert not any(b"Content-Length" in head for head in heads)
        firsts = [read_block(stream, b"\n\n") for stream in streams]
        assert all(first.startswith(b"retry: ") for first in firsts)
        probe = show(instance, "?wait=status:ACTIVE&timeout=0")
        wait_until(lambda: server.ask(probe).status == 429)
        assert server.ask(get("/compute/v2.1/servers/events")).status == 429
        assert server.ask(show(instance)).status == 200
        Instance.objects.filter(pk=instance.pk).update(vm_state="error", updated_at=timezone.now())
        for stream in streams:
            assert b'"status":"ERROR"' in read_block(stream, b"\n\n")
        streams.pop().close()
        gone.close()
        wait_until(lambda: server.ask(probe).status == 200)
        server.process.terminate()
        assert [stream.read() for stream in streams] == [b""] * (MOST - 1)

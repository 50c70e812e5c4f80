"""No client keeps others from being served: the server of these tests has two threads."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from tests.web_server.impatient import LARGE, worker_connections
from tests.web_server.raw import WebServer, post, read_answer, running

HALF = post("/identity/v3/auth/tokens", b'{"auth":', length=100)


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with running("tests.web_server.impatient") as server:
        yield server


@contextlib.contextmanager
def clients(server: WebServer, count: int, request: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many clients that have sent this, and wait."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            found.append(stack.enter_context(server.connect()))
            found[-1].sendall(request)
        yield found


def is_ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:  # it was ended before what it sent was read
        return True


def is_answered(client: socket.socket) -> bool:
    """Does the large answer come to its end?"""
    try:
        return len(read_answer(client).body) == LARGE
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.parametrize(
    "sent",
    [
        HALF,
        b"",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        post("/", length=50_000_000),
    ],
    ids=["half a login", "nothing", "half a line", "half a chunk", "an upload that does not come"],
)
def test_half_a_request_keeps_nobody_waiting(server: WebServer, sent: bytes) -> None:
    with clients(server, 40, sent):
        for _ in range(3):
            assert server.get().status == 200


def test_the_client_that_has_waited_longest_makes_room(server: WebServer) -> None:
    with clients(server, 2 * worker_connections, HALF) as waiting:
        assert server.get().status == 200
        assert is_ended(waiting[0]), "the first"
        waiting[-1].sendall(b"x" * 92)
        assert read_answer(waiting[-1]).status == 200


def test_clients_that_do_not_take_their_answer_keep_nobody_waiting(server: WebServer) -> None:
    with clients(server, 3, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n") as slow:
        assert server.get().status == 200
        assert len(read_answer(slow[-1]).body) == LARGE


def test_answers_that_nobody_takes_do_not_fill_the_memory(server: WebServer) -> None:
    with clients(server, 40, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n") as slow:
        assert server.get().status == 200
        assert is_answered(slow[-1])
        assert sum(map(is_answered, slow[:-1])) < 10, "64 MiB wait for clients, and some in buffers"


def test_who_comes_while_all_threads_are_busy_is_answered_when_one_is_free(
    server: WebServer,
) -> None:
    with clients(server, 2, post("/slow")) as busy, clients(server, 3, post("/")) as late:
        assert [read_answer(client).status for client in (*busy, *late)] == [200] * 5


@pytest.mark.parametrize("path", ["auth/tokens", "OS-OAUTH2/token"])
def test_logins_wait_for_each_other_alone(server: WebServer, path: str) -> None:
    login = post(f"/slow/{path}")
    with clients(server, 8, login) as waiting:
        began = time.monotonic()
        assert server.get().status == 200
        assert time.monotonic() - began < 1, "eight logins on two threads take two seconds"
        assert [read_answer(client).status for client in waiting] == [200] * 8


def test_a_name_and_password_wait_with_the_logins(server: WebServer) -> None:
    basic = post("/slow", b"", "Authorization: Basic ZGVtbzpkZW1v")
    with clients(server, 8, basic) as waiting:
        began = time.monotonic()
        assert server.get().status == 200
        assert time.monotonic() - began < 1
        assert [read_answer(client).status for client in waiting] == [200] * 8


def test_too_many_logins_are_told_to_come_back(server: WebServer) -> None:
    with clients(server, 40, post("/slow/auth/tokens")) as waiting:
        answers = [read_answer(client) for client in waiting]
    assert {answer.status for answer in answers} == {200, 503}
    refused = [answer for answer in answers if answer.status == 503]
    for answer in refused:
        answer.check_envelope()
        assert int(answer.headers["Retry-After"]) > 0
    assert len(refused) < 40 - 15, "many may wait"


def test_a_request_must_end_in_time() -> None:
    with running("tests.web_server.impatient", REQUEST_SECONDS="0.5") as server:
        answer = server.ask(HALF)
        answer.check_envelope()
        assert (answer.status, answer.headers["Connection"]) == (408, "close")


def test_a_connection_must_bring_something_in_time() -> None:
    with (
        running("tests.web_server.impatient", FIRST_BYTE_SECONDS="0.5") as server,
        server.connect() as idle,
    ):
        assert idle.recv(1) == b""


def test_a_process_that_is_killed_is_replaced(server: WebServer) -> None:
    killed = server.get().json["pid"]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if server.get().json["pid"] != killed:
                break
        assert time.monotonic() < deadline
    assert server.process.poll() is None


def test_what_has_been_asked_is_answered_before_the_end() -> None:
    with running("tests.web_server.impatient") as server:
        pid = server.get().json["pid"]
        with clients(server, 2, post("/slow")) as waiting:
            server.get()
            os.kill(pid, signal.SIGTERM)
            answers = [read_answer(client) for client in waiting]
    assert [answer.status for answer in answers] == [200, 200]

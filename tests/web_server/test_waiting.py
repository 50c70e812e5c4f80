"""Requests that wait for a server take no thread of the web server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from servers.models import Instance
from tests.web_server.raw import RawAnswer, WebServer, read_answer, running
from tests.world.cast import Cast
from tests.world.factories import make_instance
from tests.world.worker_process import url_of_database, wait_until

CONFIGURATION = "compute_site.web_server.configuration"
TOKEN = f"X-Auth-Token: {Cast.reader.token}"
MOST = 12
"""So many may wait; the server has four threads."""


@pytest.fixture
def server(transactional_db: None, cast: Cast) -> Iterator[WebServer]:
    variables = {
        "DATABASE_URL": url_of_database(),
        "COMPUTE_SITE_MAX_WAITING_REQUESTS": str(MOST),
    }
    with running(CONFIGURATION, **variables) as server:
        yield server


def show(instance: Instance, query: str = "", *headers: str) -> bytes:
    lines = [f"GET /compute/v2.1/servers/{instance.uuid}{query} HTTP/1.1", "Host: localhost"]
    return "\r\n".join([*lines, TOKEN, *headers, "", ""]).encode()


def ask_to_wait(server: WebServer, instance: Instance, wanted: str) -> socket.socket:
    client = server.connect()
    client.sendall(show(instance, f"?wait={wanted}&timeout=25"))
    return client


def status_of(answer: RawAnswer) -> str:
    return str(answer.json["server"]["status"])


def test_more_clients_wait_than_there_are_threads(server: WebServer) -> None:
    built, deleted = (make_instance(vm_state="building") for _ in range(2))
    with contextlib.ExitStack() as stack:
        for_status = [ask_to_wait(server, built, "status:ACTIVE,ERROR") for _ in range(8)]
        for_end = [ask_to_wait(server, deleted, "deleted") for _ in range(4)]
        for client in (*for_status, *for_end):
            stack.enter_context(client)

        def is_full() -> bool:
            assert status_of(server.ask(show(built))) == "BUILD", "others are served"
            return server.ask(show(built, "?wait=status:ACTIVE&timeout=0")).status == 429

        wait_until(is_full)
        for_status.pop().close()
        wait_until(lambda: not is_full())
        Instance.objects.filter(pk=built.pk).update(vm_state="error")
        assert {status_of(read_answer(client)) for client in for_status} == {"ERROR"}
        Instance.objects.filter(pk=deleted.pk).update(
            vm_state="deleted", deleted_at=deleted.created_at
        )
        assert {read_answer(client).status for client in for_end} == {404}
        # the connections go on
        for_status[0].sendall(show(built))
        assert status_of(read_answer(for_status[0])) == "ERROR"


def test_the_waiting_ends_with_its_time_and_the_next_request_is_read_then(
    server: WebServer,
) -> None:
    instance = make_instance(vm_state="building")
    with server.connect() as client:
        client.sendall(show(instance, "?wait=status:ACTIVE&timeout=1"))
        client.sendall(show(instance, "", "Connection: close"))
        with client.makefile("rb") as answers:
            assert answers.read().count(b"HTTP/1.1 200 OK") == 2


def test_a_server_that_ends_lets_nobody_wait(server: WebServer) -> None:
    instance = make_instance(vm_state="building")
    with ask_to_wait(server, instance, "status:ACTIVE") as client:
        wait_until(lambda: server.ask(show(instance)).status == 200)
        server.process.terminate()
        answer = read_answer(client)
        assert status_of(answer) == "BUILD"
        assert answer.headers["Connection"] == "close"

"""Hosts wait for orders at the site's web server, which keeps no thread for them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.host_orders.give import Wanted, give_order
from servers.hosts.agents import add_host
from servers.models.cell import CELL1
from tests.agents.test_host_api import STOCK
from tests.world.cast import make_cast
from tests.world.web_process import PATIENT, THREADS, WebProcess, web_process

WAIT_SECONDS = 60


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[WebProcess]:
    make_cast()
    with web_process(tmp_path / "web.log", server=PATIENT) as web:
        yield web


def join(web: WebProcess, name: str) -> dict[str, str]:
    """The headers with which the host asks from then on."""
    body = {
        "join_token": add_host(name, cell=CELL1),
        "stock": STOCK,
        "boot_id": "first",
        "version": "0.1",
        "protocols": [1],
        "hypervisor": "pretend",
    }
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=WAIT_SECONDS)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/host/v1/join", json.dumps(body), headers)
        told = json.loads(connection.getresponse().read())
    return {"Authorization": f"Bearer {told['token']}", "Host-Epoch": str(told["epoch"])}


@contextlib.contextmanager
def waiting(
    web: WebProcess, headers: dict[str, str], seconds: int
) -> Iterator[http.client.HTTPConnection]:
    """A host that has asked for orders."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=WAIT_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", f"/host/v1/orders?wait={seconds}", headers=headers)
        yield connection


def is_silent(connection: http.client.HTTPConnection) -> bool:
    assert connection.sock is not None
    connection.sock.setblocking(False)
    try:
        connection.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    finally:
        connection.sock.settimeout(WAIT_SECONDS)
    return False


def test_hosts_wait_without_threads_until_there_is_an_order(web: WebProcess) -> None:
    mine, other = join(web, "mine"), join(web, "other")
    with contextlib.ExitStack() as stack:
        asking = [
            stack.enter_context(waiting(web, headers, 25))
            for headers in (mine, *[other] * (2 * THREADS))
        ]
        for _ in range(THREADS):  # every thread is free
            assert web.request("GET", "/healthz").status == 200
        gone = asking.pop()
        gone.close()
        assert all(is_silent(one) for one in asking)
        server_id = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
        order = give_order(Wanted(node="mine", server_id=server_id, task="stop"))
        assert order is not None
        answer = asking[0].getresponse()
        assert answer.status == 200
        assert [one["id"] for one in json.loads(answer.read())["orders"]] == [str(order.uuid)]
        assert all(is_silent(one) for one in asking[1:])
        # the same connection is good for the next question, which ends without an order
        asking[0].request("GET", f"/host/v1/orders?after={order.pk}&wait=1", headers=mine)
        answer = asking[0].getresponse()
        assert (answer.status, answer.read()) == (204, b"")

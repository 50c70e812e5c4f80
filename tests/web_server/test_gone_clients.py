"""What happens to the statements of a client that does not wait for its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from servers.models import ServerGroup
from tests.web_server.raw import WebServer, post, running
from tests.world.cast import Cast
from tests.world.worker_process import url_of_database, wait_until

CONFIGURATION = "compute_site.web_server.configuration"
TOKEN = f"X-Auth-Token: {Cast.member.token}"
LIST = f"GET /compute/v2.1/os-server-groups HTTP/1.1\r\nHost: localhost\r\n{TOKEN}\r\n\r\n".encode()
GROUP = json.dumps({"server_group": {"name": "g", "policies": ["affinity"]}}).encode()


@pytest.fixture
def server(transactional_db: None, cast: Cast) -> Iterator[WebServer]:
    variables = {
        "DATABASE_URL": url_of_database(),
        "COMPUTE_SITE_STATEMENT_TIMEOUT_SECONDS": "300",
    }
    with running(CONFIGURATION, **variables) as server:
        yield server


@pytest.fixture
def blocker(server: WebServer) -> Iterator[psycopg.Connection]:
    """Another session keeps everybody from the table of groups."""
    with psycopg.connect(url_of_database()) as session:
        session.execute("LOCK TABLE servers_servergroup IN ACCESS EXCLUSIVE MODE")
        yield session
        session.rollback()


def waiting(blocker: psycopg.Connection) -> int:
    """How many sessions wait for the table."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        cursor.execute(sql, [blocker.info.backend_pid])
        return int(cursor.fetchone()[0])


def test_a_list_is_not_looked_up_to_the_end(server: WebServer, blocker: psycopg.Connection) -> None:
    with server.connect() as client:
        client.sendall(LIST)
        wait_until(lambda: waiting(blocker) == 1)
    wait_until(lambda: waiting(blocker) == 0)
    blocker.rollback()
    assert server.ask(LIST).status == 200


def test_a_client_that_waits_is_waited_for(server: WebServer, blocker: psycopg.Connection) -> None:
    with server.connect() as patient:
        patient.sendall(LIST)
        wait_until(lambda: waiting(blocker) == 1)
        with server.connect() as client:
            client.sendall(LIST)
            wait_until(lambda: waiting(blocker) == 2)
        wait_until(lambda: waiting(blocker) == 1)
        blocker.rollback()
        assert patient.recv(15) == b"HTTP/1.1 200 OK"


def test_a_change_goes_on_to_its_end(server: WebServer, blocker: psycopg.Connection) -> None:
    with server.connect() as client:
        client.sendall(post("/compute/v2.1/os-server-groups", GROUP, TOKEN))
        with server.connect() as other:
            other.sendall(LIST)
            wait_until(lambda: waiting(blocker) == 2)
    wait_until(lambda: waiting(blocker) == 1)
    blocker.rollback()
    wait_until(lambda: ServerGroup.objects.count() == 1)

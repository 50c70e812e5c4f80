"""Agents are killed, sites give hosts up: no guest is lost, and none runs twice."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from servers.agent.files import read_json, write_durably
from servers.agent.settings import load
from servers.models import HostOrder, Service
from tests.agents.test_life import act, becomes, create, state
from tests.world.agents import QUICK, at_work, jobs_at_work, join, make_agent, wait_until
from tests.world.cast import make_cast
from tests.world.client import ApiClient


@contextlib.contextmanager
def agent_process(folder: Path, **more: float) -> Iterator[subprocess.Popen[bytes]]:
    """The agent as a program, with these settings; killed in the end."""
    path = folder / "agent.json"
    write_durably(path, {**read_json(path), **QUICK, "pretend_delay": 0.0, **more})
    command = [sys.executable, "-m", "servers.agent", "run", "--state-dir", str(folder)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def guests_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "pretend").iterdir()}


def test_an_agent_that_is_killed_in_the_middle_of_an_order_ends_it_in_its_next_life(
    live_server: LiveServer, transactional_db: None, tmp_path: Path
) -> None:
    member = ApiClient(make_cast().member)
    join(live_server.url, tmp_path)
    with jobs_at_work():
        with agent_process(tmp_path, pretend_delay=600) as process:
            server = create(member)
            wait_until(lambda: any((tmp_path / "orders").glob("*.json")))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert state(server)[:2] == ("building", "spawning")
        with agent_process(tmp_path) as process:
            becomes(server, "active", 1)
            assert HostOrder.objects.count() == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    guest = tmp_path / "pretend" / str(server.uuid) / "power"
    assert guest.read_text() == "1"  # it goes on without the agent
    assert guests_in(tmp_path) == {str(server.uuid)}


def test_a_host_that_was_given_up_ends_the_guests_that_have_left_it(
    live_server: LiveServer, transactional_db: None, tmp_path: Path
) -> None:
    cast = make_cast()
    member, admin = ApiClient(cast.member), ApiClient(cast.admin)
    old, new = tmp_path / "old", tmp_path / "new"
    with jobs_at_work():
        join(live_server.url, old, "old")
        with at_work(make_agent(old)):
            server, stays = create(member), create(member)
            becomes(server, "active", 1)
            becomes(stays, "active", 1)
        join(live_server.url, new, "new")
        Service.objects.filter(host="old").update(last_seen_up=None)
        with at_work(make_agent(new)):
            body = {"evacuate": {}}
            path = f"/servers/{server.uuid}/action"
            admin.post(path, body, microversion="2.14").expect(200)
            becomes(server, "active", 1)
            assert server.host == "new"
            assert guests_in(old) == {str(server.uuid), str(stays.uuid)}
            before = load(old)[1].epoch
            with at_work(make_agent(old)):
                wait_until(lambda: guests_in(old) == {str(stays.uuid)})
                wait_until(lambda: load(old)[1].epoch == before + 1)
                act(member, stays, **{"os-stop": None})
                becomes(stays, "stopped", 4)
            assert guests_in(new) == {str(server.uuid)}

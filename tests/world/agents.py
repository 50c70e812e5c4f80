"""Hosts with agents: in this process, with guests that are files, and the site behind real HTTP."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db import connections

from servers.agent.__main__ import main
from servers.agent.hypervisor.pretend import Pretend
from servers.agent.hypervisor.protocol import Power
from servers.agent.loop import Agent
from servers.agent.settings import load
from servers.hosts.agents import add_host
from servers.models.cell import CELL1
from tests.world.jobs import run_jobs

WAIT_SECONDS = 30.0
QUICK = {"idle_seconds": 0.02, "watch_seconds": 0.05}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def join(site: str, folder: Path, name: str = "real", **more: str) -> None:
    """Add a host and let it join, by the programs of both sides."""
    token = add_host(name, cell=CELL1)
    words = ["--site", site, "--token", token, "--state-dir", str(folder)]
    assert main(["join", "--hypervisor", "pretend", *words]) == 0


def make_agent(folder: Path, hypervisor: Pretend | None = None, **settings: Any) -> Agent:
    """The agent of a host that has joined; it asks often."""
    known, identity = load(folder)
    quick = dataclasses.replace(known, **{**QUICK, **settings})
    return Agent(quick, identity, hypervisor or Pretend(folder))


@contextlib.contextmanager
def at_work(agent: Agent) -> Iterator[Agent]:
    thread = threading.Thread(target=agent.run, name="agent")
    thread.start()
    try:
        yield agent
    finally:
        agent.stop.set()
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


@contextlib.contextmanager
def jobs_at_work() -> Iterator[None]:
    """What the queue has is done in another thread, in a session of its own."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                if not run_jobs():
                    stop.wait(0.02)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shall see it
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, name="jobs")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(WAIT_SECONDS)
    assert failed == []


def power_off_from_inside(folder: Path, server_id: str) -> None:
    """As a guest does it by itself."""
    path = folder / "pretend" / server_id / "power"
    draft = path.with_suffix(".new")
    draft.write_text(str(int(Power.SHUT_DOWN)))
    draft.replace(path)

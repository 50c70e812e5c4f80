"""Agents die before each thing that they do, one place after the other: in the end all is as if
none had died.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from servers.agent import orders
from servers.agent.client import Client
from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.pretend import CONFIG, Pretend
from servers.agent.loop import Agent
from servers.agent.settings import Identity, Settings

SERVER = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
DATA = b"the data of an image" * 10
IMAGE = {"id": "image", "size": len(DATA), "sha512": hashlib.sha512(DATA).hexdigest()}
GUEST = {"server_id": SERVER, "hostname": "guest", "nics": [], "disks": [], "vcpus": 1}
WATCHED: Mapping[str, tuple[str, ...]] = {
    "hypervisor": (
        *("spawn", "destroy", "change_power", "rescue", "unrescue", "snapshot", "pack", "unpack"),
        *("live_prepare", "live_start", "live_progress", "live_finish"),
    ),
    "guests": ("note",),
    "journal": ("finish",),
    "client": ("post", "put_file"),
}
"""What the agent does, where it may die."""


class Crash(BaseException):
    """The agent dies here."""


class Site(Client):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__("http://site", Identity(token="secret", epoch=1))
        self.answers: dict[str, Any] = {}
        self.uploads: dict[str, int] = {}
        self.files: dict[str, bytes] = {}

    def get(self, path: str) -> Any:
        return {"done": path in self.files}

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        if path.startswith("moves/"):
            return {"done": path.rpartition("/")[2] in self.files}
        _, order_id, what = path.split("/")
        if what == "done":
            answer = json.loads(json.dumps(body))
            assert self.answers.setdefault(order_id, answer) == answer, "another answer came"
        return {}

    def put_file(self, path: str, file: Path) -> Any:
        path, _, query = path.partition("?")
        data = file.read_bytes()
        assert hashlib.sha512(data).hexdigest() in query
        name = path if path.startswith("snapshots/") else path.rpartition("/")[2]
        self.files[name] = data
        self.uploads[name] = self.uploads.get(name, 0) + 1

    def open(self, path: str, *, begin: int = 0) -> Any:
        data = DATA if path.startswith("images/") else self.files[path.rpartition("/")[2]]
        return io.BytesIO(data[begin:])


class World:
    """Two hosts and a site; ``deaths`` counts down, and then an agent dies, once."""

    def __init__(self, folder: Path, deaths: int) -> None:
        self.folder = folder
        self.site = Site()
        self.left = deaths
        self.seq = 0
        self.agents = {name: self.begin(name) for name in ("old", "new")}

    def begin(self, name: str) -> Agent:
        settings = Settings(
            site="http://site",
            host=name,
            hypervisor="pretend",
            state_dir=str(self.folder / name),
            idle_seconds=0.0,
        )
        (self.folder / name).mkdir(exist_ok=True, parents=True)
        agent = Agent(
            settings,
            Identity(token="secret", epoch=1),
            Pretend(self.folder / name),
            client=self.site,
        )
        for part, calls in WATCHED.items():
            target = {"client": self.site}.get(part) or getattr(agent, part)
            for call in calls:
                usual = getattr(type(target), call)
                setattr(target, call, functools.partial(self.watched, usual, target))
        return agent

    def watched(self, usual: Any, target: Any, *values: Any, **more: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise Crash
        return usual(target, *values, **more)

    def do(self, name: str, task: str, generation: int = 1, **arguments: Any) -> Any:
        """Give the order until it is answered, as the site does; what was answered."""
        self.seq += 1
        order = {
            "id": str(uuid.UUID(int=self.seq)),
            "seq": self.seq,
            "server_id": SERVER,
            "generation": generation,
            "task": task,
            "arguments": arguments,
        }
        while str(order["id"]) not in self.site.answers:
            agent = self.agents[name]
            try:
                known = agent.journal.find(str(order["id"]))
                if known is not None and known.answer is not None:
                    agent._answer(known)
                else:
                    agent._carry_out(order)
                agent.to_send.set()
                agent._send()
            except Crash:
                self.left = 10**9
                self.agents[name] = self.begin(name)
        answer = self.site.answers[str(order["id"])]
        assert answer["ok"], (task, answer)
        return answer["result"]

    def guests(self, name: str) -> dict[str, int]:
        return {
            key: int(power) for key, power in Pretend(self.folder / name).power_states().items()
        }

    def disk(self, name: str) -> Path:
        return self.folder / name / "pretend" / SERVER / "disk"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def live_through(world: World) -> None:
    """Everything that disks go through, on both hosts."""
    world.do("old", "spawn", guest=GUEST, image=IMAGE)
    world.do("old", "rescue", guest=GUEST, image=IMAGE)
    world.do("old", "unrescue", guest=GUEST)
    world.disk("old").write_bytes(b"written")
    world.do("old", "snapshot")
    packed = world.do("old", "pack", 2, leaves=True, running=True)
    assert world.guests("old") == {}
    world.do("new", "unpack", 2, guest=GUEST, running=True, comes=True, files=packed["files"])
    assert world.guests("new") == {SERVER: 1}
    world.do("new", "destroy", 3)
    world.do("old", "take_back", 3, guest=GUEST, running=True)
    assert (world.guests("old"), world.guests("new")) == ({SERVER: 1}, {})
    assert world.disk("old").read_bytes() == b"written"
    assert not (world.folder / "old" / "moves" / SERVER).exists()
    config = world.disk("old").with_name(CONFIG)
    config.write_bytes(b"a password")
    files = world.do("old", "live_disks", 4)["files"]
    to = world.do("new", "live_prepare", 4, guest=GUEST, sizes={}, files=files)["to"]
    world.do("old", "live_start", 4, to=to, copies=True)
    world.do("new", "live_finish", 4, guest=GUEST)
    world.do("old", "destroy", 4)
    assert (world.guests("old"), world.guests("new")) == ({}, {SERVER: 1})
    assert world.disk("new").read_bytes() == b"written"
    assert world.disk("new").with_name(CONFIG).read_bytes() == b"a password"
    assert not (world.folder / "new" / "moves" / SERVER).exists()
    world.do("new", "stop", 5)
    assert world.guests("new") == {SERVER: 4}


def places(folder: Path) -> Iterator[int]:
    """How often something may die, as a life without a death tells."""
    world = World(folder, 10**9)
    live_through(world)
    yield from range(1, 10**9 - world.left + 1)


def test_nothing_is_lost_wherever_an_agent_dies(tmp_path: Path) -> None:
    tried = 0
    for number in places(tmp_path / "without"):
        world = World(tmp_path / str(number), number)
        live_through(world)
        assert world.site.files[f"snapshots/{uuid.UUID(int=4)}"] == b"written"
        assert max(world.site.uploads.values()) <= 2
        tried += 1
    assert tried > 60


def test_a_live_migration_that_is_aborted_too_late_ends_where_the_guest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "TELL_SECONDS", 0.0)
    world = World(tmp_path, 10**9)
    world.do("old", "spawn", guest=GUEST, image=IMAGE)
    world.do("old", "live_disks")
    to = world.do("new", "live_prepare", guest=GUEST, sizes={})["to"]
    old = world.agents["old"]
    refused: list[str] = []

    def refuse(server_id: str) -> None:
        refused.append(server_id)
        raise GuestFailed("there is no such guest any more", "libvirt")

    usual, failures = old.hypervisor.live_progress, [1, 1]

    def progress(server_id: str) -> dict[str, Any]:
        if failures:
            failures.pop()
            raise RuntimeError("nobody can be asked")
        return usual(server_id)

    monkeypatch.setattr(old.hypervisor, "live_abort", refuse)
    monkeypatch.setattr(old.hypervisor, "live_progress", progress)
    old.worker.interventions[SERVER] = (world.seq + 2, "live_abort")

    world.do("old", "live_start", to=to, copies=True)

    assert refused == [SERVER]
    assert (world.guests("old"), world.guests("new")) == ({}, {SERVER: 1})

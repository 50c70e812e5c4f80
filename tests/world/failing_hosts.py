"""Two hosts with agents and a site in one process and one thread, where one thing goes wrong at a
chosen place: something dies, or what was sent is lost.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.test import Client as Browser
from django.utils import timezone

from servers.agent.client import Client, SiteFailed
from servers.agent.hypervisor.pretend import Pretend
from servers.agent.loop import Agent
from servers.agent.settings import Identity, Settings, load, save
from servers.host_orders.parking import PARKED
from servers.hosts.agents import add_host
from servers.models import HostOrder, Service
from servers.models.cell import CELL1
from tests.world.crashes import Killed, bury_worker
from tests.world.jobs import run_jobs

AGENT, LOST, UNHEARD, TWICE = "agent", "lost", "unheard", "twice"
WORKER, WEB, DATABASE = "worker", "web", "database"
KINDS = (AGENT, LOST, UNHEARD, TWICE, WORKER, WEB, DATABASE)
"""An agent dies; a request does not arrive; its answer does not; it comes twice; a worker or a web
process dies; the connection of either to the database is lost.
"""
WATCHED = {
    "hypervisor": (
        *("spawn", "destroy", "change_power", "rescue", "unrescue", "set_password", "snapshot"),
        *("attach_disk", "detach_disk", "pack", "unpack", "live_prepare", "live_start"),
        *("live_finish",),
    ),
    "guests": ("note",),
    "journal": ("begin", "finish", "note_sent"),
}
OURS = tuple(f"{settings.BASE_DIR / part}{os.sep}" for part in ("servers", "compute_site"))
Place = tuple[str, ...]
"""What is done, and the lines of our code that lead there."""
ROUNDS = 60
WAITING = """
    SELECT count(*) FROM procrastinate_jobs
    WHERE status = 'doing' OR queue_name = %s
        OR (status = 'todo' AND coalesce(scheduled_at <= now(), true))
"""


class Death(BaseException):
    """The agent dies here."""


class Trouble:
    """What goes wrong at the place of this number among those of its kind. Where nothing does
    (``kind`` is ``""``) it notes what places there are.
    """

    def __init__(self, kind: str = "", place: int = 0) -> None:
        self.kind = kind
        self.left = place
        self.places: dict[str, list[Place]] = defaultdict(list)

    def strikes(self, kind: str, what: str) -> bool:
        if not self.kind:
            self.places[kind].append((what, *_way()))
        if kind != self.kind:
            return False
        self.left -= 1
        return self.left == 0

    def different(self, kind: str) -> list[int]:
        """The numbers of places to which other ways lead, or where something else is done."""
        first: dict[Place, int] = {}
        for number, place in enumerate(self.places[kind], 1):
            first.setdefault(place, number)
        return list(first.values())

    @contextlib.contextmanager
    def in_statements(self, kind: str, at: str = "") -> Iterator[None]:
        """A wrapper of the statements of a process of this kind, which is at this."""

        def run(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if self.strikes(kind, f"{at} {sql}"):
                raise Killed
            if self.strikes(DATABASE, f"{at} {sql}"):
                connection.connection.close()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(run):
            yield


def _way() -> Iterator[str]:
    """The lines of our code that lead here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(OURS):
            yield f"{name}:{frame.f_lineno}"
        frame = frame.f_back


class Reply(io.BytesIO):
    status = 0


class Line(Client):
    """From an agent to the site."""

    trouble = Trouble()

    def _open(self, method: str, path: str, data: Any, headers: dict[str, str], **_: Any) -> Any:
        body = data.read() if hasattr(data, "read") else data or b""
        if self.trouble.strikes(LOST, f"{method} {path}"):
            raise SiteFailed("The request is lost.")
        reply = self._ask_site(method, path, body, headers)
        if self.trouble.strikes(TWICE, f"{method} {path}"):
            reply = self._ask_site(method, path, body, headers)
        if self.trouble.strikes(UNHEARD, f"{method} {path}"):
            raise SiteFailed("The answer is lost.")
        if reply.status >= 400:
            told = json.loads(reply.read())["error"]
            raise SiteFailed(told["message"], reply.status, told["code"])
        return reply

    def _ask_site(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        assert self.identity is not None
        own = {
            "Authorization": f"Bearer {self.identity.token}",
            "Host-Epoch": str(self.identity.epoch),
        }
        kind = headers.get("Content-Type", "application/json")
        more = {name: headers[name] for name in ("Range",) if name in headers}
        try:
            with self.trouble.in_statements(WEB, f"{method} {path}"):
                answer = Browser(raise_request_exception=False).generic(
                    method, f"/host/v1/{path}", body, kind, headers=own | more
                )
            reply = Reply(b"".join(answer) if answer.streaming else answer.content)
        except Killed:
            connection.close()
            raise SiteFailed("The site died.") from None
        if connection.connection is not None and connection.connection.closed:
            connection.close()
        reply.status = answer.status_code
        return reply


class Host:
    """A host; ``is_dead``: nothing happens on it any more."""

    def __init__(self, name: str, folder: Path, trouble: Trouble) -> None:
        self.name = name
        self.folder = folder
        self.trouble = trouble
        self.is_dead = False
        self.begin()

    def begin(self) -> None:
        """A new life of its agent."""
        settings, identity = load(self.folder)
        line = Line("http://site", identity)
        line.trouble = self.trouble
        self.agent = Agent(settings, identity, Pretend(self.folder), client=line)
        for part, calls in WATCHED.items():
            target = getattr(self.agent, part)
            for call in calls:
                setattr(target, call, functools.partial(self._watched, getattr(target, call)))

    def work(self) -> bool:
        """Do what there is to do, one order after the other; ``False``: the agent died, or the site
        did not answer.
        """
        if self.is_dead:
            return True
        try:
            self._do_orders()
        except Death:
            self.begin()
        except SiteFailed as error:
            if error.is_fence:
                self.agent.fenced.set()
        else:
            return True
        return False

    def guests(self) -> dict[str, int]:
        states = Pretend(self.folder).power_states()
        return {server: int(power) for server, power in states.items()}

    def _do_orders(self) -> None:
        if self.agent.fenced.is_set():
            self.agent._come_back()
        answer = self.agent.client.get(f"orders?after={self.agent.after}&wait=0")
        for order in answer["orders"] if answer else ():
            self._do(order)
            self.agent.after = int(order["seq"])
        self.agent.to_send.set()
        self.agent._send()

    def _do(self, order: dict[str, Any]) -> None:
        known = self.agent.journal.find(str(order["id"]))
        if known is not None and known.answer is not None:
            self.agent._answer(known)
        else:
            self.agent._carry_out(order)

    def _watched(self, usual: Any, *values: Any, **more: Any) -> Any:
        if self.trouble.strikes(AGENT, f"{usual.__name__} {values}"):
            raise Death
        return usual(*values, **more)


class Cloud:
    """``keep`` keeps what is on the hosts, and ``begin`` begins with that again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("one", "two"):
            self._join(name)
        self.begin(Trouble(), kept=False)

    def begin(self, trouble: Trouble, *, kept: bool = True) -> None:
        if kept:
            shutil.rmtree(self.folder / "now")
            shutil.copytree(self.folder / "kept", self.folder / "now")
        Service.objects.update(last_seen_up=timezone.now())
        self.trouble = trouble
        self.one, self.two = (
            Host(name, self.folder / "now" / name, trouble) for name in ("one", "two")
        )

    def keep(self) -> None:
        shutil.rmtree(self.folder / "kept", ignore_errors=True)
        shutil.copytree(self.folder / "now", self.folder / "kept")

    def settle(self) -> None:
        """Until there is nothing to do any more."""
        for _ in range(ROUNDS):
            self._run_jobs()
            worked = [host.work() for host in (self.one, self.two)]
            if all(worked) and self._is_settled():
                return
        raise AssertionError("it never settles")

    def answer(self, order: HostOrder) -> None:
        """Let hosts work until the order is done: somebody waits for that."""
        for _ in range(ROUNDS):
            for host in (self.one, self.two):
                host.work()
            if HostOrder.objects.filter(pk=order.pk, done_at__isnull=False).exists():
                return
        raise AssertionError("the order is never done")

    def guests(self) -> dict[str, dict[str, int]]:
        return {host.name: host.guests() for host in (self.one, self.two) if host.guests()}

    def orders(self) -> Counter[tuple[str, str]]:
        """How often each was given to each host."""
        return Counter(HostOrder.objects.values_list("agent__service__host", "task").order_by())

    def _run_jobs(self) -> None:
        try:
            with self.trouble.in_statements(WORKER):
                run_jobs()
        except (Killed, OperationalError, InterfaceError):
            bury_worker()

    def _is_settled(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(WAITING, [PARKED])
            if cursor.fetchone()[0]:
                return False
        dead = [host.name for host in (self.one, self.two) if host.is_dead]
        still = HostOrder.objects.filter(done_at=None).exclude(agent__service__host__in=dead)
        return not still.exists()

    def _join(self, name: str) -> None:
        folder = self.folder / "now" / name
        folder.mkdir(parents=True)
        body = {
            "join_token": add_host(name, cell=CELL1),
            "boot_id": "first",
            "version": "0.1",
            "protocols": [1],
            "hypervisor": "pretend",
            "stock": {
                **Pretend(folder).stock(),
                "vcpus": 16,
                "memory_mb": 32768,
                "local_gb": 1000,
            },
        }
        answer = Browser().post("/host/v1/join", body, "application/json")
        assert answer.status_code == 201, answer.content
        told = answer.json()
        settings = Settings(
            site="http://site",
            host=name,
            hypervisor="pretend",
            state_dir=str(folder),
            idle_seconds=0.0,
        )
        save(settings, Identity(token=told["token"], epoch=told["epoch"]))

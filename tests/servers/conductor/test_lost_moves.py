"""Whatever statement a worker dies at while a server moves: the next one finishes."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from servers.drivers import fake
from servers.models import (
    Consumer,
    Instance,
    InstanceActionEvent,
    Migration,
    ServerFault,
    Service,
)
from servers.worker.recovery import LOST_AFTER_SECONDS, end_lost_moves, give_up_lost_actions
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.crashes import Crash, Killed, every_crash, run_jobs_with_crash
from tests.world.jobs import drop_jobs, queued, run_jobs
from tests.world.moving import Rack, act, assert_books_balance, confirm, move_of, resize, revert
from tests.world.restoring import Prepared

# Real transactions: what was committed before the death must stay.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("cast")]

LARGE_HOSTS = {"vcpus": 2000, "memory_mb": 10**7, "local_gb": 10**6}


class Scene:
    """A server that is moved, and what must be true in the end."""

    def __init__(self) -> None:
        self.rack = Rack(**LARGE_HOSTS)
        self.member, self.admin = ApiClient(Cast.member), ApiClient(Cast.admin)
        self.server: Instance

    def start(self) -> None:
        self.server = self.rack.server(self.member)
        self.source = self.server.host

    def resize(self) -> None:
        self.start()
        resize(self.member, self.server, self.rack.large).expect(202)

    def resized(self) -> None:
        self.resize()
        run_jobs()

    def confirm(self) -> None:
        self.resized()
        confirm(self.member, self.server).expect(204)

    def revert(self) -> None:
        self.resized()
        revert(self.member, self.server).expect(202)

    def delete(self) -> None:
        self.resized()
        self.member.delete(f"/servers/{self.server.uuid}").expect(204)

    def migrate_live(self) -> None:
        self.start()
        body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
        act(self.admin, self.server, "2.68", **body).expect(202)

    def evacuate(self) -> None:
        self.start()
        Service.objects.filter(host=self.source).update(forced_down=True)
        act(self.admin, self.server, "2.68", evacuate={}).expect(200)

    def check(self, vm_state: str, status: str, *, moved: bool) -> None:
        server = self.server
        server.refresh_from_db()
        assert (server.vm_state, server.task_state) == (vm_state, None)
        assert move_of(server).status == status
        assert (server.host != self.source) is moved
        held = 0 if vm_state == "deleted" else 2 if vm_state == "resized" else 1
        assert Consumer.objects.filter(instance=server).count() == held
        events = InstanceActionEvent.objects.filter(action__instance=server)
        assert set(events.values_list("result", flat=True)) == {"Success"}
        names = list(events.values_list("action", "event"))
        assert len(names) == len(set(names))
        assert_books_balance()


@pytest.mark.parametrize(
    ("prepare", "end", "most_deaths"),
    [
        (Scene.resize, ("resized", "finished", True), 30),
        (Scene.confirm, ("active", "confirmed", True), 10),
        (Scene.revert, ("active", "reverted", False), 15),
        (Scene.delete, ("deleted", "confirmed", True), 10),
        (Scene.migrate_live, ("active", "completed", True), 25),
        (Scene.evacuate, ("active", "done", True), 20),
    ],
)
def test_while_a_server_moves(
    prepare: Callable[[Scene], None], end: tuple[str, str, bool], most_deaths: int
) -> None:
    scene = Scene()
    begin = Prepared(lambda: prepare(scene))
    for at in every_crash():
        begin()
        crash = Crash(at)
        run_jobs_with_crash(crash)
        run_jobs()
        vm_state, status, moved = end
        scene.check(vm_state, status, moved=moved)
        assert queued() == []
        if not crash.happened:
            assert at > most_deaths
            return


def test_while_no_host_is_found() -> None:
    scene = Scene()

    def ask() -> None:
        scene.start()
        Service.objects.exclude(host=scene.source).update(disabled=True)
        resize(scene.member, scene.server, scene.rack.large).expect(202)

    begin = Prepared(ask)
    for at in every_crash():
        begin()
        crash = Crash(at)
        run_jobs_with_crash(crash)
        run_jobs()
        scene.server.refresh_from_db()
        assert (scene.server.vm_state, scene.server.task_state) == ("active", None)
        assert ServerFault.objects.filter(instance=scene.server).count() == 1
        assert_books_balance()
        if not crash.happened:
            return


# jobs that are gone for good


@pytest.mark.parametrize(
    ("prepare", "call", "vm_state", "status"),
    [
        (Scene.resize, None, "active", "error"),
        (Scene.resize, "send", "active", "error"),
        (Scene.resize, "receive", "error", "error"),
        (Scene.confirm, None, "resized", "finished"),
        (Scene.confirm, "drop", "resized", "finished"),
        (Scene.revert, None, "error", "error"),
        (Scene.revert, "take_back", "error", "error"),
        (Scene.migrate_live, None, "active", "error"),
        (Scene.migrate_live, "switch_live", "active", "error"),
        (Scene.evacuate, None, "error", "error"),
        (Scene.evacuate, "spawn", "error", "error"),
    ],
)
def test_a_move_that_nobody_works_on_ends(
    prepare: Callable[[Scene], None], call: str | None, vm_state: str, status: str
) -> None:
    """``call`` of the driver is what the worker dies at."""
    scene = Scene()
    prepare(scene)
    end_lost_moves()
    assert Migration.objects.open().get().status not in ("error", "finished")
    if call is not None:
        _die_at(call)
    drop_jobs()
    assert end_lost_moves() == 0  # it has only just begun
    long_ago = timezone.now() - dt.timedelta(seconds=LOST_AFTER_SECONDS + 1)
    Migration.objects.update(created_at=long_ago, updated_at=long_ago)
    Instance.objects.update(updated_at=long_ago)
    give_up_lost_actions()
    assert end_lost_moves() == 1
    scene.server.refresh_from_db()
    assert (scene.server.vm_state, scene.server.task_state) == (vm_state, None)
    assert move_of(scene.server).status == status
    assert not InstanceActionEvent.objects.filter(finish_time=None).exists()
    assert_books_balance()
    assert end_lost_moves() == 0


def _die_at(call: str) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(fake, call, die)
        run_jobs()
    connection.close()  # the session of the dead ends, and its locks with it

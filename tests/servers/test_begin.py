"""A change begins as a whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from servers.errors import WrongState
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.jobs import DeleteServer
from servers.lifecycle.transitions import Transition
from servers.models import Instance, InstanceAction
from tests.world.callers import caller_of
from tests.world.cast import Cast
from tests.world.factories import make_instance
from tests.world.jobs import queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

STEP = Transition(
    from_vm=frozenset(["active"]), from_task=frozenset([None]), to_task="powering-off"
)
STOP = Change(name="stop", event="compute_stop_instance", doing="stop it", step=STEP)


def start(server: Instance, change: Change = STOP, **columns: Any) -> None:
    job = DeleteServer(server_id=str(server.uuid))
    begin(caller_of(Cast.member), server, change, job, **columns)


def test_step_history_and_job_begin_together() -> None:
    server = make_instance(vm_state="active")
    start(server, progress=7)
    server.refresh_from_db()
    assert (server.vm_state, server.task_state, server.progress) == ("active", "powering-off", 7)
    action = InstanceAction.objects.get()
    assert (action.action, action.events.get().event) == ("stop", "compute_stop_instance")
    assert queued() == [{"server_id": str(server.uuid)}]


def test_a_change_without_a_step_leaves_the_state() -> None:
    server = make_instance(vm_state="paused")
    start(server, Change(name="stop", event="compute_stop_instance", doing="stop it"))
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("paused", None)
    assert InstanceAction.objects.count() == len(queued()) == 1


def test_a_server_that_may_not_take_the_step_gets_no_history_and_no_job() -> None:
    server = make_instance(vm_state="paused")
    with pytest.raises(WrongState, match="is paused; one cannot stop it while it is"):
        start(server)
    assert not InstanceAction.objects.exists()
    assert queued() == []


def test_where_the_queue_refuses_the_job_nothing_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("the queue is away")

    monkeypatch.setattr("servers.lifecycle.jobs.defer_all", refuse)
    server = make_instance(vm_state="active")
    with pytest.raises(RuntimeError), transaction.atomic():
        start(server)
    server.refresh_from_db()
    assert server.task_state is None
    assert not InstanceAction.objects.exists()

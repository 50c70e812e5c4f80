"""A step is taken by servers that may take it, and by no others."""

from __future__ import annotations

import pytest

from servers.lifecycle.transitions import (
    ACTIVATE,
    BEGIN_DELETE,
    FAIL_BUILD,
    FAIL_DELETE,
    FINISH_DELETE,
    MAP_DISKS,
    PLACE_AGAIN,
    SPAWN,
    TAKE_ON,
    Transition,
    take_step,
    take_steps,
)
from servers.models import Instance
from tests.world.factories import make_instance

pytestmark = pytest.mark.django_db

STATES = [
    ("building", "scheduling"),
    ("building", None),
    ("building", "networking"),
    ("building", "block_device_mapping"),
    ("building", "spawning"),
    ("building", "deleting"),
    ("active", None),
    ("active", "deleting"),
    ("error", None),
]
BUILDING = set(STATES[:5])
TABLE = [
    (TAKE_ON, BUILDING, ("building", "networking")),
    (MAP_DISKS, {("building", "networking")}, ("building", "block_device_mapping")),
    (SPAWN, {("building", "block_device_mapping")}, ("building", "spawning")),
    (ACTIVATE, {("building", "spawning")}, ("active", None)),
    (PLACE_AGAIN, BUILDING, ("building", "scheduling")),
    (FAIL_BUILD, BUILDING, ("error", None)),
    (BEGIN_DELETE, set(STATES), (None, "deleting")),
    (FAIL_DELETE, {("building", "deleting"), ("active", "deleting")}, ("error", None)),
]


@pytest.mark.parametrize(("step", "allowed", "target"), TABLE)
def test_the_table(
    step: Transition, allowed: set[tuple[str, str | None]], target: tuple[str | None, str | None]
) -> None:
    for vm_state, task_state in STATES:
        server = make_instance(vm_state=vm_state, task_state=task_state)
        taken = take_step(server.pk, step)
        server.refresh_from_db()
        assert taken is ((vm_state, task_state) in allowed)
        expected = (target[0] or vm_state, target[1]) if taken else (vm_state, task_state)
        assert (server.vm_state, server.task_state) == expected


def test_a_server_elsewhere_does_not_take_the_step() -> None:
    server = make_instance(vm_state="building", task_state="scheduling", host="host1")
    assert not take_step(server.pk, TAKE_ON, on_host="host2")
    assert take_step(server.pk, TAKE_ON, on_host="host1", network_info=[{"mac": "x"}], progress=7)
    server.refresh_from_db()
    assert (server.network_info, server.progress) == ([{"mac": "x"}], 7)


def test_a_deleted_server_takes_no_step() -> None:
    server = make_instance()
    values = {"deleted_at": server.created_at}
    assert take_step(server.pk, FINISH_DELETE, **values)
    assert not take_step(server.pk, FINISH_DELETE, **values)
    assert not take_step(server.pk, BEGIN_DELETE)


def test_many_take_the_step_at_once() -> None:
    building = [make_instance(vm_state="building", task_state="scheduling") for _ in range(3)]
    active = make_instance()
    taken = take_steps([server.pk for server in [*building, active]], FAIL_BUILD)
    assert sorted(taken) == [server.pk for server in building]
    assert Instance.objects.filter(vm_state="error").count() == 3

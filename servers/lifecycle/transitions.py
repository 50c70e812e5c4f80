"""The state transitions of a server. Each is a conditional update, so that only one worker can take
it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.utils import timezone

from compute_site.db.prepared import array, prepared_cursor
from servers.lifecycle.companions import is_resumed
from servers.lifecycle.history import FINISH, SUCCESS, outcome_values
from servers.models.instance import Instance
from servers.models.states import TaskState, VmState

ANY = frozenset[str | None]()
"""Every state will do."""

BUILD_TASKS = frozenset[str | None](
    (
        None,
        TaskState.SCHEDULING,
        TaskState.NETWORKING,
        TaskState.BLOCK_DEVICE_MAPPING,
        TaskState.SPAWNING,
    )
)
"""What may be going on in a server that is being built; ``deleting`` is none of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A step from some states (``ANY``: from all) to one; ``to_vm`` ``None`` keeps the vm_state.
    ``noted``: its time is kept for the server's history, as that of a step of a worker.
    """

    from_vm: frozenset[str | None] = ANY
    from_task: frozenset[str | None] = ANY
    to_vm: str | None = None
    to_task: str | None = None
    noted: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """The step's parameters of ``STATEMENT``."""
        return {
            "any_vm": not self.from_vm,
            "from_vm": array(state for state in self.from_vm if state),
            "any_task": not self.from_task,
            "from_task": array(task for task in self.from_task if task),
            "from_no_task": None in self.from_task,
            "to_vm": self.to_vm,
            "to_task": self.to_task,
        }


COLUMNS = {
    field.name: field
    for field in Instance._meta.concrete_fields  # noqa: SLF001 - Django's public model API
}

# Written by hand: this runs several times for each server, and to compile a query set would cost
# more than to run it. "own" has what is the server's own among several: its host, and columns.
STATEMENT = """
    UPDATE servers_instance AS server
    SET task_state = %(to_task)s, vm_state = COALESCE(%(to_vm)s, vm_state),
        updated_at = %(now)s{sets}
    FROM unnest(%(servers)s::bigint[], %(hosts)s::text[]{arrays}) AS own (id, host{names})
    WHERE server.id = own.id AND deleted_at IS NULL
      AND (%(any_vm)s OR vm_state = ANY(%(from_vm)s::text[]))
      AND (%(any_task)s OR task_state = ANY(%(from_task)s::text[])
           OR (%(from_no_task)s AND task_state IS NULL))
      AND (own.host IS NULL OR server.host = own.host)
    RETURNING server.id
"""

NOTED = """
    noted AS (
        INSERT INTO servers_serverstep (instance_id, step, host, started_at)
        SELECT id, %(to_task)s, host, %(now)s FROM taken{which}
    )
"""
UNLESS_NOTED = """
        WHERE %(to_task)s IS DISTINCT FROM (
            SELECT step FROM servers_serverstep
            WHERE instance_id = taken.id ORDER BY id DESC LIMIT 1
        )
"""
TAKEN = "ARRAY(SELECT id FROM taken)"

_BUILDING = frozenset[str | None]([VmState.BUILDING])

# A build may start over from any of its steps, because its worker may have been lost there.
TAKE_ON = Transition(
    from_vm=_BUILDING, from_task=BUILD_TASKS, to_task=TaskState.NETWORKING, noted=True
)
MAP_DISKS = Transition(
    from_vm=_BUILDING,
    from_task=frozenset([TaskState.NETWORKING]),
    to_task=TaskState.BLOCK_DEVICE_MAPPING,
    noted=True,
)
SPAWN = Transition(
    from_vm=_BUILDING,
    from_task=frozenset([TaskState.BLOCK_DEVICE_MAPPING]),
    to_task=TaskState.SPAWNING,
    noted=True,
)
ACTIVATE = Transition(
    from_vm=_BUILDING, from_task=frozenset([TaskState.SPAWNING]), to_vm=VmState.ACTIVE
)
PLACE_AGAIN = Transition(
    from_vm=_BUILDING, from_task=BUILD_TASKS, to_task=TaskState.SCHEDULING, noted=True
)
FAIL_BUILD = Transition(from_vm=_BUILDING, from_task=BUILD_TASKS, to_vm=VmState.ERROR)
RETRY_BUILD = Transition(
    from_vm=frozenset([VmState.ERROR]),
    from_task=frozenset([None]),
    to_vm=VmState.BUILDING,
    to_task=TaskState.SCHEDULING,
)

_ON_OR_OFF = frozenset[str | None]([VmState.ACTIVE, VmState.STOPPED])
_RESIZED = frozenset[str | None]([VmState.RESIZED])
IDLE = frozenset[str | None]([None])
AT_SOURCE = frozenset[str | None]([TaskState.RESIZE_PREP, TaskState.RESIZE_MIGRATING])
AT_DESTINATION = frozenset[str | None]([TaskState.RESIZE_MIGRATED, TaskState.RESIZE_FINISH])
REVERTING = frozenset[str | None]([TaskState.RESIZE_REVERTING])

# Each step of a move may start from its own state, because its worker may have been lost there.
BEGIN_MOVE = Transition(from_vm=_ON_OR_OFF, from_task=IDLE, to_task=TaskState.RESIZE_PREP)
SEND = Transition(
    from_vm=_ON_OR_OFF, from_task=AT_SOURCE, to_task=TaskState.RESIZE_MIGRATING, noted=True
)
ARRIVE = Transition(
    from_vm=_ON_OR_OFF,
    from_task=frozenset([TaskState.RESIZE_MIGRATING]),
    to_task=TaskState.RESIZE_MIGRATED,
    noted=True,
)
RECEIVE = Transition(
    from_vm=_ON_OR_OFF, from_task=AT_DESTINATION, to_task=TaskState.RESIZE_FINISH, noted=True
)
END_MOVE = Transition(
    from_vm=_ON_OR_OFF, from_task=frozenset([TaskState.RESIZE_FINISH]), to_vm=VmState.RESIZED
)
GIVE_UP_MOVE = Transition(from_vm=_ON_OR_OFF, from_task=AT_SOURCE)
FAIL_MOVE = Transition(from_vm=_ON_OR_OFF, from_task=AT_DESTINATION, to_vm=VmState.ERROR)
CONFIRM = Transition(from_vm=_RESIZED, from_task=IDLE)
BEGIN_REVERT = Transition(from_vm=_RESIZED, from_task=IDLE, to_task=TaskState.RESIZE_REVERTING)
REVERT = Transition(from_vm=_RESIZED, from_task=REVERTING)
GIVE_UP_REVERT = Transition(from_vm=_RESIZED, from_task=REVERTING)

_LIVE = frozenset[str | None]([VmState.ACTIVE, VmState.PAUSED])
_LOST = frozenset[str | None]([VmState.ACTIVE, VmState.STOPPED, VmState.ERROR])
_MIGRATING = frozenset[str | None]([TaskState.MIGRATING])
_REBUILDING = frozenset[str | None]([TaskState.REBUILDING])
_INTERRUPTIBLE = frozenset[str | None]([None, *TaskState]) - {
    TaskState.DELETING,
    TaskState.SOFT_DELETING,
    TaskState.REBUILDING,
}

BEGIN_LIVE_MOVE = Transition(from_vm=_LIVE, from_task=IDLE, to_task=TaskState.MIGRATING)
GO_ON_LIVE = Transition(from_vm=_LIVE, from_task=_MIGRATING, to_task=TaskState.MIGRATING)
END_LIVE_MOVE = Transition(from_vm=_LIVE, from_task=_MIGRATING)
# A failed host does not finish its task, so that evacuation may begin from these task_states.
BEGIN_EVACUATION = Transition(from_vm=_LOST, from_task=_INTERRUPTIBLE, to_task=TaskState.REBUILDING)
END_EVACUATION = Transition(from_vm=_LOST, from_task=_REBUILDING)
FAIL_EVACUATION = Transition(from_vm=_LOST, from_task=_REBUILDING, to_vm=VmState.ERROR)

BEGIN_DELETE = Transition(to_task=TaskState.DELETING)
FAIL_DELETE = Transition(from_task=frozenset([TaskState.DELETING]), to_vm=VmState.ERROR)
KEEP_SOFT_DELETED = Transition(from_task=frozenset([TaskState.DELETING]))
RECLAIM = Transition(
    from_vm=frozenset([VmState.SOFT_DELETED]),
    from_task=frozenset([None]),
    to_task=TaskState.DELETING,
)
FINISH_DELETE = Transition(to_vm=VmState.DELETED)


def take_step(
    server: int, transition: Transition, *, on_host: str | None = None, **values: Any
) -> bool:
    """Take the step and set further columns; ``False``: the server may not take the step.

    With ``on_host`` the server must also still be on that host.
    """
    return bool(take_steps([server], transition, on_host=on_host, **values))


def take_steps(
    servers: Sequence[int], transition: Transition, *, on_host: str | None = None, **values: Any
) -> list[int]:
    """Take the step with those of these servers that may; return their keys."""
    return _take(dict.fromkeys(servers, on_host), transition, {}, values)


def take_steps_on_hosts(
    hosts: Mapping[int, str],
    transition: Transition,
    *,
    each: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ends: str = "",
    **values: Any,
) -> list[int]:
    """As ``take_steps``, with the host that each server must be on. ``each`` has further columns of
    which each server gets a value of its own, as texts, in the order of the servers. ``ends``: the
    kind of event that ends well with this step.
    """
    return _take(hosts, transition, each, values, ends)


def _take(
    hosts: Mapping[int, str | None],
    transition: Transition,
    each: Mapping[str, Sequence[str]],
    values: Mapping[str, Any],
    ends: str = "",
) -> list[int]:
    fields = {name: COLUMNS[name] for name in values}
    sets = [f", {field.column} = %(set_{name})s" for name, field in fields.items()]
    sets += [f", {name} = own.{name}::{COLUMNS[name].db_type(connection)}" for name in each]
    statement = STATEMENT.format(
        sets="".join(sets),
        arrays="".join(f", %(each_{name})s::text[]" for name in each),
        names="".join(f", {name}" for name in each),
    )
    parameters = {
        **transition.parameters,
        **{
            f"set_{name}": field.get_db_prep_save(values[name], connection=connection)
            for name, field in fields.items()
        },
        **{f"each_{name}": array(texts) for name, texts in each.items()},
        "servers": array(hosts),
        "hosts": array(hosts.values()),
        "now": timezone.now(),
    }
    # a job that has waited for a host comes through steps that it took before
    which = UNLESS_NOTED if is_resumed.get() else ""
    further = [NOTED.format(which=which)] if transition.noted else []
    if ends:
        further.append(FINISH.format(servers=TAKEN))
        parameters |= outcome_values(SUCCESS, [ends])
    if further:
        steps = ", ".join([f"taken AS ({statement}, server.host)", *further])
        statement = f"WITH {steps} SELECT id FROM taken"  # noqa: S608 - put together from constants
    with prepared_cursor() as cursor:
        cursor.execute(statement, parameters)
        return [key for (key,) in cursor.fetchall()]

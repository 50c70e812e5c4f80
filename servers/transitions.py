"""The steps that a server may take: each a conditional update, so that only one worker takes it."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db.models import Q
from django.utils import timezone

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
    """From some states (``ANY``: from all) to one; ``to_vm`` ``None`` keeps the vm_state."""

    from_vm: frozenset[str | None] = ANY
    from_task: frozenset[str | None] = ANY
    to_vm: str | None = None
    to_task: str | None = None

    @property
    def condition(self) -> Q:
        """Which servers may take the step."""
        condition = Q(deleted_at__isnull=True)
        if self.from_vm:
            condition &= Q(vm_state__in=self.from_vm)
        if self.from_task:
            named = [task for task in self.from_task if task is not None]
            tasks = Q(task_state__in=named)
            condition &= tasks | Q(task_state__isnull=True) if None in self.from_task else tasks
        return condition

    @property
    def changes(self) -> dict[str, Any]:
        """The columns that the step sets."""
        changes: dict[str, Any] = {"task_state": self.to_task, "updated_at": timezone.now()}
        if self.to_vm is not None:
            changes["vm_state"] = self.to_vm
        return changes


_BUILDING = frozenset[str | None]([VmState.BUILDING])

# Taking on starts over from any step: the worker before may have been lost in the middle.
TAKE_ON = Transition(from_vm=_BUILDING, from_task=BUILD_TASKS, to_task=TaskState.NETWORKING)
MAP_DISKS = Transition(
    from_vm=_BUILDING,
    from_task=frozenset([TaskState.NETWORKING]),
    to_task=TaskState.BLOCK_DEVICE_MAPPING,
)
SPAWN = Transition(
    from_vm=_BUILDING,
    from_task=frozenset([TaskState.BLOCK_DEVICE_MAPPING]),
    to_task=TaskState.SPAWNING,
)
ACTIVATE = Transition(
    from_vm=_BUILDING, from_task=frozenset([TaskState.SPAWNING]), to_vm=VmState.ACTIVE
)
PLACE_AGAIN = Transition(from_vm=_BUILDING, from_task=BUILD_TASKS, to_task=TaskState.SCHEDULING)
FAIL_BUILD = Transition(from_vm=_BUILDING, from_task=BUILD_TASKS, to_vm=VmState.ERROR)
BEGIN_DELETE = Transition(to_task=TaskState.DELETING)
FAIL_DELETE = Transition(from_task=frozenset([TaskState.DELETING]), to_vm=VmState.ERROR)
FINISH_DELETE = Transition(to_vm=VmState.DELETED)


def move(server: int, transition: Transition, *, host: str | None = None, **values: Any) -> bool:
    """Take the step, and set further columns with it; ``False``: the server may not take it.

    With ``host`` the server must also still be on that host.
    """
    return move_all([server], transition, host=host, **values) == 1


def move_all(
    servers: list[int], transition: Transition, *, host: str | None = None, **values: Any
) -> int:
    """Take the step with all of these servers that may; the number of those that did."""
    candidates = Instance.objects.filter(transition.condition, pk__in=servers)
    if host is not None:
        candidates = candidates.filter(host=host)
    return candidates.update(**{**transition.changes, **values})

"""What an operator may do with servers: each a function that the API calls too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from compute_site import faults
from compute_site.caller import Caller
from compute_site.identity.models import Project
from servers.actions.reset import reset_state
from servers.build.retry import retry_build
from servers.delete.delete import delete_server
from servers.models import Instance, VmState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``permission`` is Django's on servers; ``fits`` says on whose page the button is shown."""

    name: str
    label: str
    permission: str
    explanation: str
    run: Callable[[Caller, Instance], None]
    fits: Callable[[Instance], bool]
    danger: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one server; ``refusal`` says why nothing was done."""

    instance: Instance
    refusal: str = ""


def operate(
    operation: Operation, instances: Iterable[Instance], caller: Callable[[Project], Caller]
) -> list[Outcome]:
    """Do it with each server; one that refuses does not stop the others."""
    outcomes = []
    for instance in instances:
        try:
            operation.run(caller(instance.project), instance)
        except faults.Fault as fault:
            outcomes.append(Outcome(instance, fault.detail))
        else:
            outcomes.append(Outcome(instance))
    return outcomes


def set_active(caller: Caller, instance: Instance) -> None:
    reset_state(caller, instance, VmState.ACTIVE)


def set_error(caller: Caller, instance: Instance) -> None:
    reset_state(caller, instance, VmState.ERROR)


def _is_begun(instance: Instance) -> bool:
    return instance.deleted_at is None and getattr(instance, "build_request", None) is None


def _can_be_active(instance: Instance) -> bool:
    settled = instance.vm_state == VmState.ACTIVE and instance.task_state is None
    return _is_begun(instance) and instance.host is not None and not settled


def _can_be_error(instance: Instance) -> bool:
    settled = instance.vm_state == VmState.ERROR and instance.task_state is None
    return _is_begun(instance) and not settled


def _can_be_retried(instance: Instance) -> bool:
    return instance.vm_state == VmState.ERROR and hasattr(instance, "kept_request")


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation(
            name="retry",
            label="Retry build",
            permission="change",
            explanation="A server that never reached a host waits for one again, with everything "
            "it was asked with. It makes sense once there is room on a host.",
            run=retry_build,
            fits=_can_be_retried,
        ),
        Operation(
            name="set_active",
            label="Set active",
            permission="change",
            explanation="The state is written as active, with no task; nothing happens on the "
            "host. Do this where you know that the server runs.",
            run=set_active,
            fits=_can_be_active,
        ),
        Operation(
            name="set_error",
            label="Set error",
            permission="change",
            explanation="The state is written as error, with no task; nothing happens on the host.",
            run=set_error,
            fits=_can_be_error,
        ),
        Operation(
            name="delete_servers",
            label="Delete",
            permission="delete",
            explanation="The servers end, with their ports and with the volumes that shall end "
            "with them. A lock does not stop this.",
            run=delete_server,
            fits=lambda instance: instance.deleted_at is None,
            danger=True,
        ),
    )
}

"""What an operator may do with servers: each a function that the API calls too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from compute_site import faults
from compute_site.caller import Caller
from compute_site.identity.models import Project
from servers.actions.ask_host import ask_host
from servers.actions.lock import lock_server, unlock_server
from servers.actions.rebuild import RebuildOrder, rebuild_server
from servers.actions.rescue import rescue_server
from servers.actions.reset import reset_state
from servers.actions.restore import restore_server
from servers.actions.shelve import shelve_server, unshelve_server
from servers.admin.operation_forms import (
    FlavorForm,
    HostForm,
    LockForm,
    RebootForm,
    RebuildForm,
    RescueForm,
)
from servers.admin.operation_pages import Operation, Values
from servers.build.retry import retry_build
from servers.delete.delete import delete_server
from servers.kept_image import base_image_of
from servers.lifecycle.actions import HARD_REBOOT, HOST_ACTIONS, REBUILD, SOFT_REBOOT
from servers.lifecycle.transitions import BEGIN_LIVE_MOVE, BEGIN_MOVE, CONFIRM, Transition
from servers.models import Instance, VmState
from servers.moves.cold import migrate_server, resize_server
from servers.moves.confirm_or_revert import confirm_resize, revert_resize
from servers.moves.live import migrate_live

CHANGE = "servers.change_instance"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerOperation(Operation[Instance]):
    """``run`` is a function of the API."""

    permission: str = CHANGE
    run: Callable[[Caller, Instance, Values], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one server; ``refusal`` says why nothing was done."""

    instance: Instance
    refusal: str = ""


Run = Callable[[Caller, Instance], object]


def operate(
    run: Run, instances: Iterable[Instance], caller: Callable[[Project], Caller]
) -> list[Outcome]:
    """Do it with each server; one that refuses does not stop the others."""
    outcomes = []
    for instance in instances:
        try:
            run(caller(instance.project), instance)
        except faults.Fault as fault:
            outcomes.append(Outcome(instance, fault.detail))
        else:
            outcomes.append(Outcome(instance))
    return outcomes


def lock(caller: Caller, instance: Instance, values: Values) -> None:
    """An operator's lock is an admin's, also where the operator has a role in the project: users
    of the project cannot undo it.
    """
    lock_server(_of_no_project(caller), instance, values["reason"] or None)


def reboot(caller: Caller, instance: Instance, values: Values) -> None:
    ask_host(caller, instance, SOFT_REBOOT if values["kind"] == "soft" else HARD_REBOOT)


def migrate(caller: Caller, instance: Instance, values: Values) -> None:
    migrate_server(caller, instance, host=values["host"] or None)


def live_migrate(caller: Caller, instance: Instance, values: Values) -> None:
    migrate_live(caller, instance, host=values["host"] or None, forced=False, waits=False)


def resize(caller: Caller, instance: Instance, values: Values) -> None:
    resize_server(caller, instance, flavor_ref=values["flavor"])


def rebuild(caller: Caller, instance: Instance, values: Values) -> None:
    rebuild_server(
        caller,
        instance,
        RebuildOrder(
            image_ref=values["image"] or base_image_of(instance),
            columns={},
            reimages_volumes=values["volumes"],
        ),
    )


def rescue(caller: Caller, instance: Instance, values: Values) -> None:
    rescue_server(caller, instance, image=values["image"] or None, volumes=True)


def unshelve(caller: Caller, instance: Instance, values: Values) -> None:
    unshelve_server(caller, instance, host=values["host"] or None)


def _of_no_project(caller: Caller) -> Caller:
    return dataclasses.replace(caller, project_id="", project_name="")


def _is_begun(instance: Instance) -> bool:
    return instance.deleted_at is None and getattr(instance, "build_request", None) is None


def _may_take(step: Transition, instance: Instance) -> bool:
    """Is it on a host and in a state from which the step begins?"""
    fits_vm = not step.from_vm or instance.vm_state in step.from_vm
    fits_task = not step.from_task or instance.task_state in step.from_task
    return _is_begun(instance) and instance.host is not None and fits_vm and fits_task


def _can_be_unshelved(instance: Instance) -> bool:
    shelved = (VmState.SHELVED, VmState.SHELVED_OFFLOADED)
    return _is_begun(instance) and instance.vm_state in shelved and instance.task_state is None


def _can_be_active(instance: Instance) -> bool:
    settled = instance.vm_state == VmState.ACTIVE and instance.task_state is None
    return _is_begun(instance) and instance.host is not None and not settled


def _can_be_error(instance: Instance) -> bool:
    settled = instance.vm_state == VmState.ERROR and instance.task_state is None
    return _is_begun(instance) and not settled


def _can_be_retried(instance: Instance) -> bool:
    return instance.vm_state == VmState.ERROR and hasattr(instance, "kept_request")


def _of_host(action: str, label: str, explanation: str) -> ServerOperation:
    """What a host does with a server without knowing more."""
    known = HOST_ACTIONS[action]
    return ServerOperation(
        name=action,
        label=label,
        explanation=explanation,
        run=lambda caller, instance, _: ask_host(caller, instance, known),
        fits=lambda instance: _may_take(known.step, instance),
    )


OPERATIONS = {
    operation.name: operation
    for operation in (
        ServerOperation(
            name="retry",
            label="Retry build",
            explanation="A server that never reached a host waits for one again, with everything "
            "it was asked with. It makes sense once there is room on a host.",
            run=lambda caller, instance, _: retry_build(caller, instance),
            fits=_can_be_retried,
        ),
        _of_host("start", "Start", "A stopped server starts on its host."),
        _of_host("stop", "Stop", "The guest shuts down and keeps its place on the host."),
        ServerOperation(
            name="reboot",
            label="Reboot",
            explanation="The guest restarts. A hard reboot also ends a reboot that hangs.",
            run=reboot,
            fits=lambda instance: _may_take(HARD_REBOOT.step, instance),
            form=RebootForm,
        ),
        ServerOperation(
            name="lock",
            label="Lock",
            explanation="Users of the project can no longer change the server; admins can.",
            run=lock,
            fits=lambda instance: _is_begun(instance) and not instance.locked,
            form=LockForm,
        ),
        ServerOperation(
            name="unlock",
            label="Unlock",
            explanation="Users of the project can change the server again.",
            run=lambda caller, instance, _: unlock_server(_of_no_project(caller), instance),
            fits=lambda instance: _is_begun(instance) and instance.locked,
        ),
        ServerOperation(
            name="migrate",
            label="Migrate",
            explanation="The server goes to another host. It stops for that, and waits there for "
            "the move to be confirmed or reverted.",
            run=migrate,
            fits=lambda instance: _may_take(BEGIN_MOVE, instance),
            form=HostForm,
        ),
        ServerOperation(
            name="live_migrate",
            label="Live-migrate",
            explanation="The server goes to another host while it runs.",
            run=live_migrate,
            fits=lambda instance: _may_take(BEGIN_LIVE_MOVE, instance),
            form=HostForm,
        ),
        ServerOperation(
            name="confirm_resize",
            label="Confirm resize",
            explanation="The server stays as and where it is now; what it has left on its old "
            "host is given up.",
            run=lambda caller, instance, _: confirm_resize(caller, instance),
            fits=lambda instance: _may_take(CONFIRM, instance),
        ),
        ServerOperation(
            name="revert_resize",
            label="Revert resize",
            explanation="The server goes back to its old host and flavor.",
            run=lambda caller, instance, _: revert_resize(caller, instance),
            fits=lambda instance: _may_take(CONFIRM, instance),
        ),
        ServerOperation(
            name="restore",
            label="Restore",
            explanation="A server that was deleted, but can be restored, comes back. It counts in "
            "the quota again.",
            run=lambda caller, instance, _: restore_server(caller, instance),
            fits=lambda instance: _may_take(HOST_ACTIONS["restore"].step, instance),
        ),
        ServerOperation(
            name="resize",
            label="Resize",
            explanation="The server gets another flavor, on the host that suits it best. It stops "
            "for that, and waits there for the resize to be confirmed or reverted.",
            run=resize,
            fits=lambda instance: _may_take(BEGIN_MOVE, instance),
            form=FlavorForm,
        ),
        ServerOperation(
            name="rebuild",
            label="Rebuild",
            explanation="The root disk is written anew from an image; what was on it is lost. "
            "Name, addresses and volumes stay. The new admin password is not told here.",
            run=rebuild,
            fits=lambda instance: _may_take(REBUILD.step, instance),
            form=RebuildForm,
            danger=True,
        ),
        ServerOperation(
            name="rescue",
            label="Rescue",
            explanation="The server starts from an image, so that its disks can be mended, until "
            "the rescue is ended. The password of the rescue is not told here.",
            run=rescue,
            fits=lambda instance: _may_take(HOST_ACTIONS["rescue"].step, instance),
            form=RescueForm,
        ),
        _of_host("unrescue", "End rescue", "The server starts from its own disk again."),
        ServerOperation(
            name="shelve",
            label="Shelve",
            explanation="The server stops, its root disk is kept as an image, and its place on the "
            "host becomes free.",
            run=lambda caller, instance, _: shelve_server(caller, instance),
            fits=lambda instance: _may_take(HOST_ACTIONS["shelve"].step, instance),
        ),
        ServerOperation(
            name="unshelve",
            label="Unshelve",
            explanation="A shelved server comes back, on any host where there is room for it.",
            run=unshelve,
            fits=_can_be_unshelved,
            form=HostForm,
        ),
        ServerOperation(
            name="set_active",
            label="Set active",
            explanation="The state is written as active, with no task; nothing happens on the "
            "host. Do this where you know that the server runs.",
            run=lambda caller, instance, _: reset_state(caller, instance, VmState.ACTIVE),
            fits=_can_be_active,
        ),
        ServerOperation(
            name="set_error",
            label="Set error",
            explanation="The state is written as error, with no task; nothing happens on the host.",
            run=lambda caller, instance, _: reset_state(caller, instance, VmState.ERROR),
            fits=_can_be_error,
        ),
        ServerOperation(
            name="delete_servers",
            label="Delete",
            permission="servers.delete_instance",
            explanation="The servers end, with their ports and with the volumes that shall end "
            "with them. A lock does not stop this.",
            run=lambda caller, instance, _: delete_server(caller, instance),
            fits=lambda instance: instance.deleted_at is None,
            danger=True,
        ),
    )
}

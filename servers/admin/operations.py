"""What an operator may do with servers: each a function that the API calls too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from compute_site import faults
from compute_site.caller import Caller
from compute_site.identity.models import Project
from servers.actions.ask_host import ask_host
from servers.actions.lock import lock_server, unlock_server
from servers.actions.reset import reset_state
from servers.actions.restore import restore_server
from servers.build.retry import retry_build
from servers.delete.delete import delete_server
from servers.lifecycle.actions import HARD_REBOOT, HOST_ACTIONS, SOFT_REBOOT
from servers.lifecycle.transitions import BEGIN_LIVE_MOVE, BEGIN_MOVE, CONFIRM, Transition
from servers.models import Instance, VmState
from servers.moves.cold import migrate_server
from servers.moves.confirm_or_revert import confirm_resize, revert_resize
from servers.moves.live import migrate_live

Values = Mapping[str, Any]
"""What the operator filled in, by the fields of the form."""


class LockForm(forms.Form):
    reason = forms.CharField(
        required=False, max_length=255, help_text="Shown to whoever looks at the server."
    )


class HostForm(forms.Form):
    host = forms.CharField(
        required=False, max_length=255, help_text="Empty: the best host there is."
    )


class RebootForm(forms.Form):
    kind = forms.ChoiceField(
        choices=(("soft", "soft: the guest shuts down by itself"), ("hard", "hard")),
        initial="soft",
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``permission`` is Django's on servers; ``fits`` says on whose page the button is shown;
    ``form`` asks for what the function needs to know beside the server.
    """

    name: str
    label: str
    permission: str
    explanation: str
    run: Callable[[Caller, Instance, Values], object]
    fits: Callable[[Instance], bool]
    form: type[forms.Form] = forms.Form
    danger: bool = False


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


def ask_first(page: str, most: int) -> Callable[..., HttpResponse]:
    """An action of a list: redirect from the ticked boxes to the page of the operation, which asks
    for confirmation. ``page`` names that page's URL.
    """

    def begin(_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        keys = list(queryset.values_list("pk", flat=True)[: most + 1])
        if len(keys) > most:
            messages.warning(request, f"These are the first {most}: more is too much at once.")
        url = reverse(page, args=[request.POST["action"]])
        return redirect(f"{url}?{'&'.join(f'key={key}' for key in keys[:most])}")

    return begin


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


def _of_no_project(caller: Caller) -> Caller:
    return dataclasses.replace(caller, project_id="", project_name="")


def _is_begun(instance: Instance) -> bool:
    return instance.deleted_at is None and getattr(instance, "build_request", None) is None


def _may_take(step: Transition, instance: Instance) -> bool:
    """Is it on a host and in a state from which the step begins?"""
    fits_vm = not step.from_vm or instance.vm_state in step.from_vm
    fits_task = not step.from_task or instance.task_state in step.from_task
    return _is_begun(instance) and instance.host is not None and fits_vm and fits_task


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
            run=lambda caller, instance, _: retry_build(caller, instance),
            fits=_can_be_retried,
        ),
        Operation(
            name="start",
            label="Start",
            permission="change",
            explanation="A stopped server starts on its host.",
            run=lambda caller, instance, _: ask_host(caller, instance, HOST_ACTIONS["start"]),
            fits=lambda instance: _may_take(HOST_ACTIONS["start"].step, instance),
        ),
        Operation(
            name="stop",
            label="Stop",
            permission="change",
            explanation="The guest shuts down and keeps its place on the host.",
            run=lambda caller, instance, _: ask_host(caller, instance, HOST_ACTIONS["stop"]),
            fits=lambda instance: _may_take(HOST_ACTIONS["stop"].step, instance),
        ),
        Operation(
            name="reboot",
            label="Reboot",
            permission="change",
            explanation="The guest restarts. A hard reboot also ends a reboot that hangs.",
            run=reboot,
            fits=lambda instance: _may_take(HARD_REBOOT.step, instance),
            form=RebootForm,
        ),
        Operation(
            name="lock",
            label="Lock",
            permission="change",
            explanation="Users of the project can no longer change the server; admins can.",
            run=lock,
            fits=lambda instance: _is_begun(instance) and not instance.locked,
            form=LockForm,
        ),
        Operation(
            name="unlock",
            label="Unlock",
            permission="change",
            explanation="Users of the project can change the server again.",
            run=lambda caller, instance, _: unlock_server(_of_no_project(caller), instance),
            fits=lambda instance: _is_begun(instance) and instance.locked,
        ),
        Operation(
            name="migrate",
            label="Migrate",
            permission="change",
            explanation="The server goes to another host. It stops for that, and waits there for "
            "the move to be confirmed or reverted.",
            run=migrate,
            fits=lambda instance: _may_take(BEGIN_MOVE, instance),
            form=HostForm,
        ),
        Operation(
            name="live_migrate",
            label="Live-migrate",
            permission="change",
            explanation="The server goes to another host while it runs.",
            run=live_migrate,
            fits=lambda instance: _may_take(BEGIN_LIVE_MOVE, instance),
            form=HostForm,
        ),
        Operation(
            name="confirm_resize",
            label="Confirm resize",
            permission="change",
            explanation="The server stays as and where it is now; what it has left on its old "
            "host is given up.",
            run=lambda caller, instance, _: confirm_resize(caller, instance),
            fits=lambda instance: _may_take(CONFIRM, instance),
        ),
        Operation(
            name="revert_resize",
            label="Revert resize",
            permission="change",
            explanation="The server goes back to its old host and flavor.",
            run=lambda caller, instance, _: revert_resize(caller, instance),
            fits=lambda instance: _may_take(CONFIRM, instance),
        ),
        Operation(
            name="restore",
            label="Restore",
            permission="change",
            explanation="A server that was deleted, but can be restored, comes back. It counts in "
            "the quota again.",
            run=lambda caller, instance, _: restore_server(caller, instance),
            fits=lambda instance: _may_take(HOST_ACTIONS["restore"].step, instance),
        ),
        Operation(
            name="set_active",
            label="Set active",
            permission="change",
            explanation="The state is written as active, with no task; nothing happens on the "
            "host. Do this where you know that the server runs.",
            run=lambda caller, instance, _: reset_state(caller, instance, VmState.ACTIVE),
            fits=_can_be_active,
        ),
        Operation(
            name="set_error",
            label="Set error",
            permission="change",
            explanation="The state is written as error, with no task; nothing happens on the host.",
            run=lambda caller, instance, _: reset_state(caller, instance, VmState.ERROR),
            fits=_can_be_error,
        ),
        Operation(
            name="delete_servers",
            label="Delete",
            permission="delete",
            explanation="The servers end, with their ports and with the volumes that shall end "
            "with them. A lock does not stop this.",
            run=lambda caller, instance, _: delete_server(caller, instance),
            fits=lambda instance: instance.deleted_at is None,
            danger=True,
        ),
    )
}

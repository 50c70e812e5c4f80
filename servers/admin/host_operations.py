"""What an operator may do with hosts: each a function that the API calls too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from django import forms
from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.identity.models import Project
from servers.admin.operation_pages import Operation, Values
from servers.admin.operations import Outcome, operate
from servers.hosts.services import ServiceChange, change_service
from servers.models import Instance, Service, VmState
from servers.moves.cold import migrate_server
from servers.moves.evacuate import EvacuationOrder, evacuate_server
from servers.moves.live import migrate_live

CallerIn = Callable[[Project], Caller]
"""The operator as a caller in a project."""

MOST_SERVERS = 200
"""So many servers of a host begin to move at once."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=255, help_text="Shown in the list of services, also by the API."
    )


class EvacuationForm(forms.Form):
    stopped = forms.BooleanField(
        required=False, help_text="Leave the servers off on their new hosts."
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostOperation(Operation[Service]):
    """``run`` says what became of each server, if it is about servers; the refusal of the host
    itself is a fault.
    """

    run: Callable[[CallerIn, Service, Values], list[Outcome]]


def servers_of(service: Service) -> QuerySet[Instance]:
    """The servers that lie on the host."""
    alive = Instance.objects.alive().filter(host=service.host)
    return alive.select_related("project").order_by("pk")


def disable(_caller: CallerIn, service: Service, values: Values) -> list[Outcome]:
    change_service(service, ServiceChange(disabled=True, reason=values["reason"]))
    return []


def enable(_caller: CallerIn, service: Service, _values: Values) -> list[Outcome]:
    change_service(service, ServiceChange(disabled=False))
    return []


def force_down(_caller: CallerIn, service: Service, _values: Values) -> list[Outcome]:
    change_service(service, ServiceChange(forced_down=True))
    return []


def let_up(_caller: CallerIn, service: Service, _values: Values) -> list[Outcome]:
    change_service(service, ServiceChange(forced_down=False))
    return []


def migrate_all(caller: CallerIn, service: Service, _values: Values) -> list[Outcome]:
    """What runs moves while it runs, what is off moves as it is."""
    return operate(_migrate, servers_of(service)[:MOST_SERVERS], caller)


def _migrate(caller: Caller, instance: Instance) -> None:
    if instance.vm_state == VmState.STOPPED:
        migrate_server(caller, instance)
    else:
        migrate_live(caller, instance, host=None, forced=False, waits=False)


def evacuate(caller: CallerIn, service: Service, values: Values) -> list[Outcome]:
    order = EvacuationOrder(stopped=values["stopped"])
    return operate(
        lambda who, instance: evacuate_server(who, instance, order),
        servers_of(service)[:MOST_SERVERS],
        caller,
    )


HOST_OPERATIONS = {
    operation.name: operation
    for operation in (
        HostOperation(
            name="disable",
            label="Disable",
            permission="servers.change_service",
            explanation="The host gets no new servers and counts as no free capacity. The servers "
            "on it go on.",
            run=disable,
            fits=lambda service: not service.disabled,
            form=ReasonForm,
        ),
        HostOperation(
            name="enable",
            label="Enable",
            permission="servers.change_service",
            explanation="The host gets new servers again.",
            run=enable,
            fits=lambda service: service.disabled,
        ),
        HostOperation(
            name="migrate_all",
            label="Migrate all servers",
            permission="servers.change_instance",
            explanation="What runs moves to other hosts while it runs; what is stopped moves as "
            "it is and waits there for the move to be confirmed. Servers in other states "
            "stay. Disable the host first, or new servers take the places.",
            run=migrate_all,
            fits=lambda service: service.is_up,
        ),
        HostOperation(
            name="evacuate",
            label="Evacuate",
            permission="servers.change_instance",
            explanation="The servers are built anew on other hosts, because this one is lost. "
            "What was on local disks is lost with it.",
            run=evacuate,
            fits=lambda service: not service.is_up,
            form=EvacuationForm,
            danger=True,
        ),
        HostOperation(
            name="force_down",
            label="Force down",
            permission="servers.change_service",
            explanation="The host counts as lost, whatever it says itself, so that its servers "
            "can be evacuated. Do this when you know that it is off: a host that still runs "
            "its servers would run them twice.",
            run=force_down,
            fits=lambda service: not service.forced_down,
            danger=True,
        ),
        HostOperation(
            name="let_up",
            label="Force down no longer",
            permission="servers.change_service",
            explanation="The host is up again once it says so itself.",
            run=let_up,
            fits=lambda service: service.forced_down,
        ),
    )
}

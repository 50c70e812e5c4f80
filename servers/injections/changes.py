"""Asks for faults and ends them; the API and the admin call this."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from compute_site.faults import BadReference, Conflict, NotFound
from compute_site.identity.models import Project
from compute_site.values.words import is_canonical
from quotas.changes import clear_limits, set_limits
from quotas.limits import own_limits
from quotas.usage import project_usage
from servers.hosts.services import ServiceChange, change_service, find_compute_service
from servers.injections.shapes import HOST, QUOTA, InjectionOrder
from servers.models import Injection


class NoSuchInjection(NotFound):
    """There is no such fault on request."""

    code = "no_such_fault"


class NoSuchProject(BadReference):
    """A quota is to be full of a project that is not there."""

    code = "no_such_project"


class NoSuchHost(BadReference):
    """A host is to go down that is not there."""

    code = "no_such_host"


class AlreadyInjected(Conflict):
    """The same is asked for already; each has to restore what was there before it."""

    code = "already_injected"


def list_injections() -> QuerySet[Injection]:
    """All that was asked for, the first first."""
    return Injection.objects.order_by("pk")


def find_injection(key: str) -> Injection:
    """The fault with this id.

    Raises:
        NoSuchInjection: there is none.
    """
    found = Injection.objects.filter(uuid=key).first() if is_canonical(key) else None
    if found is None:
        raise NoSuchInjection(f"There is no fault {key[:60]}.")
    return found


@transaction.atomic
def inject(order: InjectionOrder, *, by: str) -> Injection:
    """Ask for a fault, which is met from now on.

    Raises:
        BadReference: it names a host or project that is not there.
        AlreadyInjected: the host is down, or the quota full, on request already.
    """
    kind, details = order.kind, dict(order.details)
    undo: dict[str, Any] = {}
    if kind == HOST:
        undo = _take_down(details["host"])
    if kind == QUOTA:
        undo = _fill_quota(details["project"], details["resource"], by)
    left = details.pop("times", None)
    return Injection.objects.create(kind=kind, details=details, left=left, undo=undo, created_by=by)


@transaction.atomic
def withdraw(injection: Injection, *, by: str) -> None:
    """End the fault, and restore what it has changed."""
    undo = injection.undo
    if injection.kind == HOST and not undo["was_down"]:
        _let_up(injection.details["host"])
    if injection.kind == QUOTA:
        _restore_quota(undo, injection.details["resource"], by)
    injection.delete()


@transaction.atomic
def withdraw_all(*, by: str) -> None:
    for injection in Injection.objects.order_by("-pk"):
        withdraw(injection, by=by)


def _take_down(host: str) -> dict[str, Any]:
    try:
        service = find_compute_service(host)
    except NotFound:
        raise NoSuchHost(f"There is no host {host[:60]}.", field="fault.host") from None
    _check_new(Injection.objects.filter(kind=HOST, details__host=host), f"The host {host} is down")
    was_down = service.forced_down
    change_service(service, ServiceChange(forced_down=True))
    return {"was_down": was_down}


def _let_up(host: str) -> None:
    with contextlib.suppress(NotFound):  # somebody has deleted it
        change_service(find_compute_service(host), ServiceChange(forced_down=False))


def _check_new(same: QuerySet[Injection], what: str) -> None:
    if same.exists():
        raise AlreadyInjected(f"{what} on request already; end that fault first.")


def _fill_quota(named: str, resource: str, by: str) -> dict[str, Any]:
    """Lower the project's limit to what it uses."""
    project = Project.objects.filter(Q(pk=named) | Q(name=named)).first()
    if project is None:
        raise NoSuchProject(f"There is no project {named[:60]}.", field="fault.project")
    same = Injection.objects.filter(kind=QUOTA, undo__project_id=project.pk)
    _check_new(same.filter(details__resource=resource), f"The quota of {resource} is full")
    before = own_limits(project_id=project.pk).get(resource)
    used = project_usage(project.pk)[resource]
    set_limits(project.pk, {resource: used}, force=True, by=by)
    return {"project_id": project.pk, "limit": before}


def _restore_quota(undo: Mapping[str, Any], resource: str, by: str) -> None:
    if not Project.objects.filter(pk=undo["project_id"]).exists():
        return
    if undo["limit"] is None:
        clear_limits(undo["project_id"], resources=[resource], by=by)
    else:
        set_limits(undo["project_id"], {resource: undo["limit"]}, force=True, by=by)

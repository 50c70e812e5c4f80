"""The one home of registered limits and of the limits of projects and domains.

The model is flat: the limit of a project says nothing about projects that lie in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from compute_site.identity.errors import LimitInUse, MalformedRequest, NotRegistered
from compute_site.identity.models import Limit, RegisteredLimit
from compute_site.identity.rows import change_row, make_row, remove_row

MODEL = {
    "name": "flat",
    "description": "The limit of a project counts for that project alone, wherever it lies.",
}
OF_REGISTERED = {
    name: name
    for name in ("service_id", "region_id", "resource_name", "default_limit", "description")
}
OF_LIMIT = {name: name for name in ("project_id", "domain_id", "resource_limit", "description")}
NAMING = ("service_id", "region_id", "resource_name")


def register_limits(orders: Sequence[Mapping[str, Any]], *, by: str) -> list[RegisteredLimit]:
    """All or none.

    Raises:
        NameInUse: one is registered for this service, region and resource.
    """
    with transaction.atomic():
        return [make_row(RegisteredLimit(), one, columns=OF_REGISTERED, by=by) for one in orders]


def change_registered(
    registered: RegisteredLimit, members: Mapping[str, Any], *, by: str
) -> RegisteredLimit:
    """Raises: LimitInUse: what it is a limit of would change under limits of projects."""
    moved = any(members.get(name, own) != own for name, own in naming_of(registered).items())
    if moved and registered.limits.exists():
        raise LimitInUse("Projects or domains have limits of their own that refer to this one.")
    return change_row(registered, members, columns=OF_REGISTERED, by=by)


def remove_registered(registered: RegisteredLimit, *, by: str) -> None:
    """Raises: LimitInUse: limits of projects refer to it."""
    try:
        remove_row(registered, by=by)
    except ProtectedError:
        raise LimitInUse("Projects or domains have limits that refer to this one.") from None


def make_limits(orders: Sequence[Mapping[str, Any]], *, by: str) -> list[Limit]:
    """All or none.

    Raises:
        NotRegistered: there is no registered limit for it.
        NameInUse: the project or domain has one.
        MalformedRequest: it names no project and no domain, or both.
    """
    with transaction.atomic():
        return [_make_limit(order, by=by) for order in orders]


def change_limit(limit: Limit, members: Mapping[str, Any], *, by: str) -> Limit:
    return change_row(limit, members, columns=OF_LIMIT, by=by)


def remove_limit(limit: Limit, *, by: str) -> None:
    remove_row(limit, by=by)


def naming_of(registered: RegisteredLimit) -> dict[str, str | None]:
    return {name: getattr(registered, name) for name in NAMING}


def _make_limit(order: Mapping[str, Any], *, by: str) -> Limit:
    if bool(order.get("project_id")) == bool(order.get("domain_id")):
        raise MalformedRequest("limits: give project_id or domain_id.")
    named = {name: order.get(name) for name in NAMING}
    registered = RegisteredLimit.objects.filter(
        service=named["service_id"], region=named["region_id"], resource_name=named["resource_name"]
    ).first()
    if registered is None:
        raise NotRegistered(f"No limit of {named['resource_name']} is registered there.")
    members = {name: order[name] for name in OF_LIMIT if name in order}
    return make_row(Limit(registered=registered), members, columns=OF_LIMIT, by=by)

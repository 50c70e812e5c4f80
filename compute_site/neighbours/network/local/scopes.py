"""Address scopes: how they are made, changed and deleted."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.rights import (
    choose_project,
    permit,
    permit_create,
    permit_update,
)
from compute_site.neighbours.network.models import AddressScope, Network


class ScopeInUse(Conflict):
    """Subnet pools are in the address scope."""

    code = "scope_in_use"


class ScopeStays(BadRequest):
    """What is shared with all projects may be in use by them."""

    code = "scope_stays"


@transaction.atomic
def create_scope(caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> AddressScope:
    project_id = choose_project(caller, policies.OWN["address_scope", "create"], values)
    permit_create(caller, policies.OWN["address_scope", "create"], project_id, values, given)
    columns = {key: values[key] for key in ("name", "shared", "ip_version")}
    return AddressScope.objects.create(project_id=project_id, **columns)


@transaction.atomic
def change_scope(
    caller: Caller, row: AddressScope, values: Mapping[str, Any], given: Collection[str]
) -> None:
    permit_update(caller, policies.OWN["address_scope", "update"], row, values, given)
    if "shared" in given and row.shared and not values["shared"]:
        raise ScopeStays(f"The address scope {row.pk} stays shared.", field="shared")
    for key in given:
        setattr(row, key, values[key])
    row.save(update_fields=list(given))


@transaction.atomic
def delete_scope(caller: Caller, row: AddressScope) -> None:
    permit(caller, policies.OWN["address_scope", "delete"], row.project_id)
    AddressScope.objects.select_for_update().filter(pk=row.pk).first()
    if row.pools.exists():
        raise ScopeInUse(f"Subnet pools are in the address scope {row.pk}.")
    row.delete()


def scopes_of(network: Network) -> dict[int, uuid.UUID | None]:
    """The address scopes that the network lies in, by IP version; its ``subnets`` come with their
    ``pool``."""
    return {
        subnet.pool.ip_version: subnet.pool.scope_id
        for subnet in network.subnets.all()
        if subnet.pool is not None
    }

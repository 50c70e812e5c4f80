"""Address groups: named sets of ranges that rules of security groups speak of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.carried import tell_of_groups
from compute_site.neighbours.network.local.missing import AddressGroupNotFound
from compute_site.neighbours.network.local.rights import choose_project, permit
from compute_site.neighbours.network.models import AddressGroup, SecurityGroupRule


class AddressesAlreadyExist(BadRequest):
    """The group has one of the ranges; clients know it by this name."""

    code = "addresses_exist"


class AddressesNotFound(NotFound):
    """The group does not have one of the ranges; clients know it by this name."""

    code = "no_such_addresses"


class AddressGroupInUse(Conflict):
    """Rules of security groups speak of the group."""

    code = "address_group_in_use"


@transaction.atomic
def create_address_group(
    caller: Caller,
    values: Mapping[str, Any],
    given: Collection[str],  # noqa: ARG001 - every create function is called alike
) -> AddressGroup:
    project_id = choose_project(caller, policies.OWN["address_group", "create"], values)
    permit(caller, policies.OWN["address_group", "create"], project_id)
    return AddressGroup.objects.create(
        project_id=project_id,
        name=values["name"],
        description=values["description"],
        addresses=list(dict.fromkeys(values["addresses"] or ())),
    )


@transaction.atomic
def change_address_group(
    caller: Caller, row: AddressGroup, values: Mapping[str, Any], given: Collection[str]
) -> None:
    permit(caller, policies.OWN["address_group", "update"], row.project_id)
    for key in given:
        setattr(row, key, values[key])
    row.save(update_fields=list(given))
    row.note_change()


@transaction.atomic
def delete_address_group(caller: Caller, row: AddressGroup) -> None:
    permit(caller, policies.OWN["address_group", "delete"], row.project_id)
    group = _locked(row, for_good=True)
    if SecurityGroupRule.objects.filter(remote_address_group=group).exists():
        raise AddressGroupInUse(f"Rules of security groups speak of the address group {row.pk}.")
    group.delete()


@transaction.atomic
def add_addresses(caller: Caller, row: AddressGroup, ranges: Sequence[str]) -> AddressGroup:
    permit(caller, policies.ADD_ADDRESSES, row.project_id)
    group = _locked(row)
    twice = sorted(set(ranges).intersection(group.addresses))
    if twice:
        raise AddressesAlreadyExist(
            f"The address group {row.pk} has {', '.join(twice)} already.", field="addresses"
        )
    return _keep(group, [*group.addresses, *dict.fromkeys(ranges)])


@transaction.atomic
def remove_addresses(caller: Caller, row: AddressGroup, ranges: Sequence[str]) -> AddressGroup:
    permit(caller, policies.REMOVE_ADDRESSES, row.project_id)
    group = _locked(row)
    missing = sorted(set(ranges).difference(group.addresses))
    if missing:
        raise AddressesNotFound(
            f"The address group {row.pk} does not have {', '.join(missing)}.", field="addresses"
        )
    return _keep(group, [one for one in group.addresses if one not in ranges])


def check_address_group(caller: Caller, group_id: object) -> None:
    """Raises ``AddressGroupNotFound`` where the caller sees no such group."""
    if group_id is None:
        return
    seen = AddressGroup.objects.visible_to(caller)
    if not seen.filter(pk__in=canonical_ids([str(group_id)])).exists():
        raise AddressGroupNotFound(
            f"There is no address group {group_id}.", field="remote_address_group_id"
        )


def _keep(group: AddressGroup, addresses: list[str]) -> AddressGroup:
    if addresses != group.addresses:
        group.addresses = addresses
        group.save(update_fields=["addresses"])
        group.note_change()
        speaking = SecurityGroupRule.objects.filter(remote_address_group=group)
        tell_of_groups(*speaking.values_list("group", flat=True).distinct())
    return group


def _locked(row: AddressGroup, *, for_good: bool = False) -> AddressGroup:
    """The group as it is now. While it goes for good, no rule can begin to speak of it."""
    rows = AddressGroup.objects.select_for_update(no_key=not for_good)
    found = rows.filter(pk=row.pk).first()
    if found is None:
        raise AddressGroupNotFound(f"There is no address group {row.pk}.")
    return found

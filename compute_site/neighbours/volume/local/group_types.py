"""Kinds of groups of volumes, and their specs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.volume.group_models import GroupType
from compute_site.neighbours.volume.local.locking import lock_row
from compute_site.values.keys import MOST_ITEMS


class GroupTypeTwice(Conflict):
    """There is a group type of this name already."""

    code = "group_type_twice"


class GroupTypeInUse(BadRequest):
    """Groups have the type. Cinder: 400."""

    code = "group_type_in_use"


def find(caller: Caller, word: str) -> GroupType:
    """The type with this id or name. Raises: NotFound."""
    visible = GroupType.objects.visible_to(caller)
    by_id = visible.filter(pk__in=canonical_ids([word])).first()
    found = by_id or visible.filter(name=word).first()
    if found is None:
        raise NotFound(f"There is no group type {word[:60]}.")
    return found


@transaction.atomic
def create(values: Mapping[str, Any]) -> GroupType:
    """Raises: GroupTypeTwice: 409."""
    name = values["name"].strip()
    _check_name(name)
    return GroupType.objects.create(
        name=name, **{key: values[key] for key in ("description", "is_public", "group_specs")}
    )


@transaction.atomic
def update(kind: GroupType, values: Mapping[str, Any], given: Collection[str]) -> GroupType:
    """
    Raises:
        BadRequest: nothing is to be changed.
        GroupTypeTwice: 409.
    """
    changed = {key: values[key] for key in given if values[key] is not None}
    if not changed:
        raise BadRequest("Give a name, a description, or is_public.", field="group_type")
    if changed.get("name", kind.name) != kind.name:
        _check_name(changed["name"])
    for key, value in changed.items():
        setattr(kind, key, value)
    kind.save(update_fields=list(changed))
    return kind


@transaction.atomic
def delete(kind: GroupType) -> None:
    """Raises: GroupTypeInUse: groups have it."""
    locked = _lock(kind)
    if locked.groups.exists():
        raise GroupTypeInUse(f"Groups have the type {kind.pk}.")
    locked.delete()


@transaction.atomic
def set_specs(kind: GroupType, specs: Mapping[str, str | None]) -> None:
    """Set these specs; the others stay. Raises: BadRequest: it would have too many."""
    locked = _lock(kind)
    locked.group_specs |= specs
    if len(locked.group_specs) > MOST_ITEMS:
        raise BadRequest(f"A group type has at most {MOST_ITEMS} specs.", field="group_specs")
    locked.save(update_fields=["group_specs"])


@transaction.atomic
def remove_spec(kind: GroupType, key: str) -> None:
    """Raises: NotFound: the type does not have it."""
    locked = _lock(kind)
    check_spec(locked, key)
    del locked.group_specs[key]
    locked.save(update_fields=["group_specs"])


def check_spec(kind: GroupType, key: str) -> None:
    """Raises: NotFound: there is no such spec."""
    if key not in kind.group_specs:
        raise NotFound(f"The group type has no spec {key[:255]}.")


def _lock(kind: GroupType) -> GroupType:
    return lock_row(GroupType.objects.all(), kind.pk, "group type")


def _check_name(name: str) -> None:
    if GroupType.objects.filter(name=name).exists():
        raise GroupTypeTwice(f"There is a group type {name} already.", field="group_type.name")

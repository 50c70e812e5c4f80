"""Changes of volume types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.faults import BadRequest, Conflict, NotFound
from compute_site.neighbours.ownership import project_exists
from compute_site.neighbours.volume.local.limits import QUOTAS
from compute_site.neighbours.volume.local.locking import lock_row
from compute_site.neighbours.volume.models import VolumeType, VolumeTypeAccess
from compute_site.values.keys import MOST_ITEMS


class TypeTwice(Conflict):
    """There is a volume type of this name already."""

    code = "type_twice"


class TypeInUse(BadRequest):
    """Volumes have the type. Cinder: 400."""

    code = "type_in_use"


class AccessTwice(Conflict):
    """The type is open to the project already."""

    code = "access_twice"


@transaction.atomic
def create(values: Mapping[str, Any]) -> VolumeType:
    """Raises: TypeTwice: 409."""
    _check_name(values["name"])
    return VolumeType.objects.create(
        name=values["name"],
        description=values["description"],
        is_public=values["os-volume-type-access:is_public"],
        extra_specs=values["extra_specs"],
    )


@transaction.atomic
def update(kind: VolumeType, values: Mapping[str, Any]) -> VolumeType:
    """
    Raises:
        BadRequest: nothing is to be changed.
        TypeTwice: 409.
    """
    changed = {key: value for key, value in values.items() if value is not None}
    if not changed:
        raise BadRequest("Give a name, a description, or is_public.", field="volume_type")
    if changed.get("name", kind.name) != kind.name:
        _check_name(changed["name"])
        QUOTAS.rename_type(kind.name, changed["name"])
    for key, value in changed.items():
        setattr(kind, key, value)
    kind.save(update_fields=list(changed))
    return kind


@transaction.atomic
def delete(kind: VolumeType) -> None:
    """Raises: TypeInUse: volumes have it."""
    QUOTAS.forget_type(kind.name)
    lock_unused(kind).delete()


def lock_unused(kind: VolumeType) -> VolumeType:
    """Raises: TypeInUse: volumes have the type."""
    locked = lock_row(VolumeType.objects.all(), kind.pk, "volume type")
    if locked.volume_set.exists():
        raise TypeInUse(f"Volumes have the type {kind.pk}.")
    return locked


@transaction.atomic
def set_specs(kind: VolumeType, specs: Mapping[str, str]) -> None:
    """Set these extra specs; the others stay.

    Raises:
        TypeInUse: volumes have the type.
        BadRequest: it would have too many.
    """
    locked = lock_unused(kind)
    locked.extra_specs |= specs
    if len(locked.extra_specs) > MOST_ITEMS:
        raise BadRequest(f"A type has at most {MOST_ITEMS} extra specs.", field="extra_specs")
    locked.save(update_fields=["extra_specs"])


@transaction.atomic
def remove_spec(kind: VolumeType, key: str) -> None:
    """
    Raises:
        TypeInUse: volumes have the type.
        NotFound: the type does not have it.
    """
    locked = lock_unused(kind)
    check_spec(locked.extra_specs, key)
    del locked.extra_specs[key]
    locked.save(update_fields=["extra_specs"])


def check_spec(specs: Mapping[str, str], key: str) -> None:
    """Raises: NotFound: there is no such extra spec."""
    if key not in specs:
        raise NotFound(f"The volume type has no extra spec {key[:255]}.")


def check_private(kind: VolumeType) -> None:
    """Raises: NotFound: the type is public, so that nobody needs access. Cinder: 404."""
    if kind.is_public:
        raise NotFound(f"The volume type {kind.pk} is public; all projects may use it.")


def open_to(kind: VolumeType, project_id: str) -> None:
    """
    Raises:
        AccessTwice: the type is open to the project already.
        BadRequest: the type is public, or there is no such project.
    """
    if kind.is_public:
        raise BadRequest(f"The volume type {kind.pk} is public; all projects may use it.")
    if not project_exists(project_id):
        raise BadRequest(f"There is no project {project_id[:60]}.", field="project")
    _, made = VolumeTypeAccess.objects.get_or_create(volume_type=kind, project_id=project_id)
    if not made:
        raise AccessTwice(f"The type is open to the project {project_id} already.")


def close_to(kind: VolumeType, project_id: str) -> None:
    """
    Raises:
        BadRequest: the type is public.
        NotFound: it is not open to the project.
    """
    if kind.is_public:
        raise BadRequest(f"The volume type {kind.pk} is public; all projects may use it.")
    opened = kind.access.filter(project=project_id) if "\0" not in project_id else None
    if opened is None or not opened.delete()[0]:
        raise NotFound(f"The type is not open to the project {project_id[:60]}.")


def _check_name(name: str) -> None:
    if VolumeType.objects.filter(name=name).exists():
        raise TypeTwice(f"There is a volume type {name} already.", field="volume_type.name")

"""How volumes of a type are to be encrypted. Nothing here encrypts: what is said is kept and shown,
and no volume is made of such a type.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.volume.local.types import lock_unused
from compute_site.neighbours.volume.models import TypeEncryption, VolumeType


class EncryptionTwice(BadRequest):
    """It is said already how volumes of the type are encrypted. Cinder: 400."""

    code = "encryption_twice"


class NotEncrypted(BadRequest):
    """Volumes of the type are to be encrypted, which nothing here does."""

    code = "not_encrypted"


def find(kind: VolumeType) -> TypeEncryption | None:
    return TypeEncryption.objects.filter(volume_type=kind).first()


@transaction.atomic
def create(kind: VolumeType, values: Mapping[str, Any]) -> TypeEncryption:
    """
    Raises:
        TypeInUse: volumes have the type.
        EncryptionTwice: 400.
    """
    lock_unused(kind)
    if find(kind) is not None:
        raise EncryptionTwice(f"It is said already how volumes of {kind.pk} are encrypted.")
    return TypeEncryption.objects.create(volume_type=kind, **values)


@transaction.atomic
def update(kind: VolumeType, values: Mapping[str, Any], given: Collection[str]) -> TypeEncryption:
    """
    Raises:
        TypeInUse: volumes have the type.
        NotFound: its volumes are not encrypted.
    """
    lock_unused(kind)
    encryption = find(kind)
    if encryption is None:
        raise NotFound(f"Volumes of the type {kind.pk} are not encrypted.")
    for key in given:
        setattr(encryption, key, values[key])
    encryption.updated_at = timezone.now()
    encryption.save(update_fields=[*given, "updated_at"])
    return encryption


@transaction.atomic
def delete(kind: VolumeType) -> None:
    """Raises: TypeInUse, NotFound as ``update``."""
    lock_unused(kind)
    if not TypeEncryption.objects.filter(volume_type=kind).delete()[0]:
        raise NotFound(f"Volumes of the type {kind.pk} are not encrypted.")


def find_plain(type_ids: Collection[str | uuid.UUID | None]) -> dict[str, VolumeType]:
    """The types by their ids (at most one statement), to make volumes of.

    Raises:
        NotEncrypted: volumes of one of them are to be encrypted.
    """
    known = [type_id for type_id in type_ids if type_id is not None]
    rows = VolumeType.objects.filter(pk__in=known).select_related("encryption") if known else ()
    kinds = {str(kind.pk): kind for kind in rows}
    for kind in kinds.values():
        if getattr(kind, "encryption", None) is not None:
            raise NotEncrypted(
                f"Volumes of the type {kind.name} are to be encrypted, which this service does not "
                "do."
            )
    return kinds

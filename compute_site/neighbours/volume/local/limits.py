"""The quotas of the volume service. Sizes are GiB; those of snapshots count, too."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from django.db.models import QuerySet, Sum, Value

from compute_site.neighbours.quotas import UNLIMITED, Kind, Part, Quotas
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.group_models import VolumeGroup
from compute_site.neighbours.volume.models import (
    BY_TYPE,
    ClassQuota,
    Quota,
    Snapshot,
    Volume,
    VolumeType,
)
from compute_site.neighbours.volume.protocol import LimitBelowUse, VolumeQuotaReached

DEFAULT = "default"
"""The class of all projects."""
LONGEST_CLASS = 255


class VolumeQuotas(Quotas):
    """With limits of classes, and of types: ``volumes_fast``, ``gigabytes_fast``, … A type has no
    limit unless somebody has set one.
    """

    @property
    def of_options(self) -> dict[str, int]:
        return super().defaults

    @property
    def defaults(self) -> dict[str, int]:
        """One statement."""
        return self.of_class(DEFAULT)

    def of_class(self, name: str) -> dict[str, int]:
        """The limits of a class (one statement)."""
        rows = ClassQuota.objects.filter(quota_class__in=(DEFAULT, name))
        order = sorted(rows, key=lambda row: row.quota_class == name != DEFAULT)
        return super().defaults | {row.resource: row.limit for row in order}

    def set_class(self, name: str, limits: Mapping[str, int]) -> None:
        ClassQuota.objects.bulk_create(
            (
                ClassQuota(quota_class=name, resource=resource, limit=limit)
                for resource, limit in limits.items()
            ),
            update_conflicts=True,
            unique_fields=["quota_class", "resource"],
            update_fields=["limit"],
        )

    def forget_class(self, name: str, resources: Collection[str]) -> None:
        """Delete these limits of a class, so that the wider ones apply."""
        ClassQuota.objects.filter(quota_class=name, resource__in=resources).delete()

    def limits_of(self, project_id: str) -> dict[str, int]:
        usual = ClassQuota.objects.filter(quota_class=DEFAULT).annotate(own=Value(0))
        own = self.own.filter(project=project_id).annotate(own=Value(1))
        columns = ("own", "resource", "limit")
        rows = usual.values_list(*columns).union(own.values_list(*columns), all=True)
        return super().defaults | {resource: limit for _, resource, limit in sorted(rows)}

    def kind_of(self, name: str) -> Kind:
        return self.kinds.get(name) or _kind_of_type(name)

    def used_by_types(self, project_id: str) -> dict[str, int]:
        """What the project has of each type, as ``volumes_fast`` and so on."""
        used: Counter[str] = Counter()
        for noun, parts in PARTS_OF_TYPES.items():
            for path, part in parts:
                rows = part.rows.filter(project=project_id, **{f"{path}__isnull": False})
                counted = rows.order_by().values_list(f"{path}__name").annotate(used=part.measure)
                used.update({f"{noun}_{name}": amount for name, amount in counted})
        return used

    def check_lowered(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Check that no limit that the project has of its own goes below what it uses. Cinder
        lets the first one that is set for a project go below.

        Raises:
            LimitBelowUse: one does.
        """
        own = self.own.filter(project=project_id, resource__in=limits)
        for name in own.values_list("resource", flat=True):
            used = self.kind_of(name).used_by(project_id)
            if UNLIMITED < limits[name] < used:
                raise LimitBelowUse(
                    f"key {name}: the project has {used}; the limit has to be that, or more, or -1",
                    field=f"quota_set.{name}",
                )

    def rename_type(self, name: str, new: str) -> None:
        """The limits of a type follow its name."""
        for noun in BY_TYPE:
            for rows in (self.own, ClassQuota.objects):
                rows.filter(resource=f"{noun}_{name}").update(resource=f"{noun}_{new}")

    def forget_type(self, name: str) -> None:
        words = [f"{noun}_{name}" for noun in BY_TYPE]
        for rows in (self.own, ClassQuota.objects):
            rows.filter(resource__in=words).delete()


def names_for(types: QuerySet[VolumeType]) -> list[str]:
    """What is limited for each of the types."""
    names = types.order_by("name").values_list("name", flat=True)
    return [f"{noun}_{name}" for name in names for noun in BY_TYPE]


def _kind_of_type(name: str) -> Kind:
    noun, _, kind = name.partition("_")
    parts = tuple(
        dataclasses.replace(part, rows=part.rows.filter(**{f"{path}__name": kind}))
        for path, part in PARTS_OF_TYPES[noun]
    )
    return Kind(name=name, plural=name, error=VolumeQuotaReached, parts=parts)


SIZE = Sum("size")
PARTS_OF_TYPES: Mapping[str, Sequence[tuple[str, Part]]] = {
    "volumes": (("volume_type", Part(rows=Volume.objects.all())),),
    "snapshots": (("volume__volume_type", Part(rows=Snapshot.objects.all())),),
    "gigabytes": (
        ("volume_type", Part(rows=Volume.objects.all(), measure=SIZE)),
        ("volume__volume_type", Part(rows=Snapshot.objects.all(), measure=SIZE)),
    ),
}
"""What counts for each type, with the path to it."""
QUOTAS = VolumeQuotas(
    Quota.objects,
    (
        Kind(
            name="volumes",
            plural="volumes",
            error=VolumeQuotaReached,
            parts=(Part(rows=Volume.objects.all()),),
        ),
        Kind(
            name="snapshots",
            plural="snapshots",
            error=VolumeQuotaReached,
            parts=(Part(rows=Snapshot.objects.all()),),
        ),
        Kind(
            name="gigabytes",
            plural="gigabytes",
            error=VolumeQuotaReached,
            parts=(
                Part(rows=Volume.objects.all(), measure=SIZE),
                Part(rows=Snapshot.objects.all(), measure=SIZE),
            ),
        ),
        Kind(
            name="backups",
            plural="backups",
            error=VolumeQuotaReached,
            parts=(Part(rows=Backup.objects.all()),),
        ),
        Kind(
            name="backup_gigabytes",
            plural="backup_gigabytes",
            error=VolumeQuotaReached,
            parts=(Part(rows=Backup.objects.all(), measure=SIZE),),
        ),
        Kind(
            name="groups",
            plural="volume_groups",
            error=VolumeQuotaReached,
            parts=(Part(rows=VolumeGroup.objects.all()),),
        ),
        Kind(name="per_volume_gigabytes", plural="per_volume_gigabytes", error=VolumeQuotaReached),
    ),
)


def check_volumes(
    project_id: str, sizes: Sequence[int], types: Sequence[VolumeType | None] = ()
) -> None:
    """Check that the project may have more volumes of these sizes, and types in the same order.

    Raises:
        VolumeQuotaReached: it may not.
    """
    _check_largest(project_id, max(sizes, default=0))
    more = _by_type("volumes", sizes, types)
    QUOTAS.check(project_id, volumes=len(sizes), gigabytes=sum(sizes), **more)


def check_growth(volume: Volume, new_size: int) -> None:
    """Check that a volume of the project may grow; raises as ``check_volumes``."""
    _check_largest(volume.project_id, new_size)
    more = new_size - volume.size
    kind = volume.volume_type
    typed = {} if kind is None else {f"gigabytes_{kind.name}": more}
    QUOTAS.check(volume.project_id, gigabytes=more, **typed)


def check_retype(volume: Volume, kind: VolumeType) -> None:
    """Check that the project may have the volume with this type; raises as ``check_volumes``."""
    if volume.volume_type_id != kind.pk:
        QUOTAS.check(volume.project_id, **_by_type("volumes", [volume.size], [kind]))


def check_snapshots(
    project_id: str, sizes: Sequence[int], types: Sequence[VolumeType | None] = ()
) -> None:
    """Check that the project may have more such snapshots; raises as ``check_volumes``."""
    more = _by_type("snapshots", sizes, types)
    QUOTAS.check(project_id, snapshots=len(sizes), gigabytes=sum(sizes), **more)


def _by_type(noun: str, sizes: Sequence[int], types: Sequence[VolumeType | None]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for size, kind in zip(sizes, types, strict=False):
        if kind is not None:
            found.update({f"{noun}_{kind.name}": 1, f"gigabytes_{kind.name}": size})
    return found


def check_backups(project_id: str, size: int) -> None:
    """Check that the project may have one more backup; raises as ``check_volumes``."""
    QUOTAS.check(project_id, backups=1, backup_gigabytes=size)


def check_groups(project_id: str) -> None:
    """Check that the project may have one more group; raises as ``check_volumes``."""
    QUOTAS.check(project_id, groups=1)


def _check_largest(project_id: str, size: int) -> None:
    largest = QUOTAS.limits_of(project_id)["per_volume_gigabytes"]
    if UNLIMITED < largest < size:
        raise VolumeQuotaReached(f"A volume of the project has at most {largest} GiB, not {size}.")

"""The quotas of the volume service. Sizes are GiB; those of snapshots count, too."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Sum

from compute_site.neighbours.quotas import UNLIMITED, Kind, Part, Quotas
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.group_models import VolumeGroup
from compute_site.neighbours.volume.models import Quota, Snapshot, Volume
from compute_site.neighbours.volume.protocol import VolumeQuotaReached

QUOTAS = Quotas(
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
                Part(rows=Volume.objects.all(), measure=Sum("size")),
                Part(rows=Snapshot.objects.all(), measure=Sum("size")),
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
            parts=(Part(rows=Backup.objects.all(), measure=Sum("size")),),
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


def check_volumes(project_id: str, sizes: Sequence[int]) -> None:
    """Check that the project may have more volumes of these sizes.

    Raises:
        VolumeQuotaReached: it may not.
    """
    _check_largest(project_id, max(sizes, default=0))
    QUOTAS.check(project_id, volumes=len(sizes), gigabytes=sum(sizes))


def check_growth(project_id: str, size: int, new_size: int) -> None:
    """Check that a volume of the project may grow; raises as ``check_volumes``."""
    _check_largest(project_id, new_size)
    QUOTAS.check(project_id, gigabytes=new_size - size)


def check_snapshots(project_id: str, sizes: Sequence[int]) -> None:
    """Check that the project may have more such snapshots; raises as ``check_volumes``."""
    QUOTAS.check(project_id, snapshots=len(sizes), gigabytes=sum(sizes))


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

"""Volumes and snapshots, asked of the volume service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from compute_site.caller import Caller
from compute_site.neighbours import volume_service
from compute_site.neighbours.calls import around
from compute_site.neighbours.volume.clients import (
    ListedSnapshot,
    ListedVolume,
    WantedSnapshot,
    WantedVolume,
)
from compute_site.neighbours.volume.protocol import VolumeQuotaReached
from servers.proxies.errors import NoSuchSnapshot, NoSuchVolume, VolumesOverQuota


def list_volumes(caller: Caller) -> Sequence[ListedVolume]:
    """Those of the project, the newest first."""
    return volume_service().list_volumes(caller)


def find_volume(caller: Caller, volume_id: str) -> ListedVolume:
    """Raises ``NoSuchVolume`` where the caller sees none of this id."""
    found = volume_service().list_volumes(caller, [volume_id])
    if not found:
        raise NoSuchVolume(f"There is no volume {volume_id[:80]}.")
    return found[0]


def create_volume(caller: Caller, wanted: WantedVolume) -> ListedVolume:
    """Raises ``VolumesOverQuota`` where the project has too many."""
    with _within_quota(), around(volume_service().make_volume):
        made = volume_service().make_volume(caller, wanted)
    return find_volume(caller, made)


def delete_volume(caller: Caller, volume_id: str) -> None:
    """Raises ``NoSuchVolume`` where the caller sees none of this id."""
    found = find_volume(caller, volume_id)
    with around(volume_service().remove_volume):
        volume_service().remove_volume(caller, found.id)


def list_snapshots(caller: Caller) -> Sequence[ListedSnapshot]:
    """Those of the project, the newest first."""
    return volume_service().list_snapshots(caller)


def find_snapshot(caller: Caller, snapshot_id: str) -> ListedSnapshot:
    """Raises ``NoSuchSnapshot`` where the caller sees none of this id."""
    found = volume_service().list_snapshots(caller, [snapshot_id])
    if not found:
        raise NoSuchSnapshot(f"There is no snapshot {snapshot_id[:80]}.")
    return found[0]


def create_snapshot(caller: Caller, wanted: WantedSnapshot) -> ListedSnapshot:
    """Raises ``VolumesOverQuota`` where the project has too many."""
    with _within_quota(), around(volume_service().make_snapshot):
        made = volume_service().make_snapshot(caller, wanted)
    return find_snapshot(caller, made)


def delete_snapshot(caller: Caller, snapshot_id: str) -> None:
    """Raises ``NoSuchSnapshot`` where the caller sees none of this id."""
    found = find_snapshot(caller, snapshot_id)
    with around(volume_service().remove_snapshot):
        volume_service().remove_snapshot(caller, found.id)


@contextmanager
def _within_quota() -> Iterator[None]:
    """What is over quota is 403 in Nova, and not 413 as in Cinder."""
    try:
        yield
    except VolumeQuotaReached as error:
        raise VolumesOverQuota(error.detail) from None

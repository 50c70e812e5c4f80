"""Makes volumes and snapshots in a Cinder elsewhere, for servers that are built and for images.

A volume that is made for a disk has the disk's mark in its metadata until the disk names it:
whoever died in between leaves it to be found.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.elsewhere.faults import (
    BadThere,
    ConflictThere,
    NotThere,
    Refused,
    TooLargeThere,
)
from compute_site.neighbours.volume.clients import WantedSnapshot, WantedVolume
from compute_site.neighbours.volume.openstack.find import read_all
from compute_site.neighbours.volume.openstack.service import (
    CINDER,
    Object,
    call,
    call_in_project,
    find,
)
from compute_site.neighbours.volume.protocol import (
    NewSnapshot,
    NewVolume,
    VolumeNotSnapshottable,
    VolumeQuotaReached,
    VolumesNotReady,
)

logger = logging.getLogger(__name__)

SERVER_KEY, DISK_KEY = "compute_site_server", "compute_site_disk"
"""In the metadata of volumes: for which server and disk they are being made."""
REIMAGED_KEY = "compute_site_reimaged"
"""In the metadata of volumes: for which attachment an image is, or has been, written over it."""
MARKS = (SERVER_KEY, DISK_KEY, REIMAGED_KEY)
IMAGE_KEY = "compute_site_image"
"""In the metadata of snapshots: which attempt to make an image they belong to."""
SNAPSHOTTABLE = ("available", "in-use")
UNSETTLED = ("creating", "downloading", "attaching", "detaching", "reserved", "deleting")
"""Of volumes and snapshots that cannot be deleted yet."""


@outside_transactions
def create(caller: Caller, server_id: str, volumes: Sequence[NewVolume]) -> list[str]:
    made = {volume["metadata"].get(DISK_KEY): volume["id"] for volume in made_for(server_id)}
    return [made.get(new.mark) or _create(caller, server_id, new) for new in volumes]


@outside_transactions
def create_snapshots(caller: Caller, snapshots: Sequence[NewSnapshot]) -> list[str]:
    volumes = {new.volume_id: find("volume", new.volume_id, caller=caller) for new in snapshots}
    for volume_id, volume in volumes.items():
        if volume is None or volume["status"] not in SNAPSHOTTABLE:
            status = "unknown" if volume is None else volume["status"]
            raise VolumeNotSnapshottable(
                f"Volume {volume_id} is {status}; a snapshot needs a free one or one in use."
            )
    made: list[str] = []
    try:
        for new in snapshots:
            volume = volumes[new.volume_id] or {}
            made.append(_snapshot(caller, new, volume.get("description") or ""))
    except Exception:
        _delete_quietly("snapshots", made)
        raise
    return made


@outside_transactions
def delete_snapshots(volumes: Collection[str], mark: str) -> None:
    for volume_id in volumes:
        for snapshot in read_all("snapshots", all_tenants=1, volume_id=volume_id):
            if snapshot["metadata"].get(IMAGE_KEY) == mark:
                delete("snapshots", snapshot)


def are_copied(snapshots: Collection[str]) -> bool:
    return True


@outside_transactions
def spoil(snapshots: Collection[str]) -> None:
    """They are what they were to be as soon as they are there."""


@outside_transactions
def delete_unnamed(server_id: str, named: Collection[str]) -> None:
    for volume in made_for(server_id):
        if volume["id"] not in named:
            delete("volumes", volume)


@outside_transactions
def make_volume(caller: Caller, wanted: WantedVolume) -> str:
    values = {
        "size": wanted.size,
        "name": wanted.name,
        "description": wanted.description,
        "snapshot_id": wanted.snapshot_id,
        "volume_type": wanted.volume_type,
        "availability_zone": wanted.availability_zone,
        "metadata": dict(wanted.metadata),
    }
    return _make(caller, "volume", values)


@outside_transactions
def remove_volume(caller: Caller, volume_id: str) -> None:
    if find("volume", volume_id, caller=caller) is not None:
        call("DELETE", f"/volumes/{volume_id}", caller=caller)


@outside_transactions
def make_snapshot(caller: Caller, wanted: WantedSnapshot) -> str:
    if find("volume", wanted.volume_id, caller=caller) is None:
        raise NotThere(f"There is no volume {wanted.volume_id}.")
    values = {
        "volume_id": wanted.volume_id,
        "name": wanted.name,
        "description": wanted.description,
        "force": True,
    }
    return _make(caller, "snapshot", values)


@outside_transactions
def remove_snapshot(caller: Caller, snapshot_id: str) -> None:
    if find("snapshot", snapshot_id, caller=caller) is not None:
        call("DELETE", f"/snapshots/{snapshot_id}", caller=caller)


def made_for(server_id: str) -> list[Object]:
    """Volumes that were made for disks of the server that do not name them yet."""
    wanted = {SERVER_KEY: server_id}
    found = read_all("volumes", all_tenants=1, metadata=str(wanted))
    return [volume for volume in found if volume["metadata"].get(SERVER_KEY) == server_id]


def forget_marks(volume: Object, keys: Sequence[str] = MARKS) -> None:
    """The volume's disk names it, and its bytes are there; from now on it is like any other."""
    for key in keys:
        if key in volume["metadata"]:
            try:
                call("DELETE", f"/volumes/{volume['id']}/metadata/{key}")
            except NotThere:
                logger.debug("volume %s had no %s any more", volume["id"], key)


def delete(kind: str, found: Object) -> None:
    """Delete a volume or snapshot, unless others need it.

    Raises:
        VolumesNotReady: its state does not allow that yet.
    """
    try:
        call("DELETE", f"/{kind}/{found['id']}")
    except NotThere:
        logger.debug("%s %s was gone already", kind, found["id"])
    except (BadThere, ConflictThere) as refused:
        if found["status"] in UNSETTLED:
            raise VolumesNotReady(f"{found['id']} is {found['status']}.") from refused
        logger.info("%s %s stays: %s", kind, found["id"], refused.detail)


def _create(caller: Caller, server_id: str, new: NewVolume) -> str:
    values = {
        "size": new.size,
        "name": new.name,
        "imageRef": new.image_id,
        "snapshot_id": new.snapshot_id,
        "volume_type": new.volume_type,
        "availability_zone": new.availability_zone,
        "metadata": {SERVER_KEY: server_id, DISK_KEY: new.mark},
    }
    return _make(caller, "volume", values)


def _snapshot(caller: Caller, new: NewSnapshot, description: str) -> str:
    values = {
        "volume_id": new.volume_id,
        "name": new.name[:255],
        "description": description,
        "force": True,
        "metadata": {IMAGE_KEY: new.mark},
    }
    return _make(caller, "snapshot", values)


def _make(caller: Caller, kind: str, values: dict[str, Any]) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    try:
        body = call_in_project("POST", f"/{kind}s", caller=caller, json={kind: given})
    except TooLargeThere as refused:
        raise VolumeQuotaReached(refused.detail) from refused
    return CINDER.understand(body, lambda shown: str(shown[kind]["id"]))


def _delete_quietly(kind: str, ids: Sequence[str]) -> None:
    """After a failure, whose reason is told; what is left a job deletes."""
    for one in ids:
        try:
            call("DELETE", f"/{kind}/{one}")
        except Refused as refused:
            logger.warning("%s %s is deleted later: %s", kind, one, refused.detail)

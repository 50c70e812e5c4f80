"""Attachments of servers to volumes of a Cinder elsewhere. Each may be repeated after a crash."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.elsewhere.faults import BadThere, ConflictThere, NotThere, Refused
from compute_site.neighbours.volume.openstack.change import REIMAGED_KEY, forget_marks
from compute_site.neighbours.volume.openstack.change import delete as delete_thing
from compute_site.neighbours.volume.openstack.service import Object, call, find, read
from compute_site.neighbours.volume.protocol import (
    VolumeFailed,
    VolumeNotDetachable,
    VolumeNotReservable,
    VolumesNotReady,
)

logger = logging.getLogger(__name__)

WRITING = "downloading"
MAKING = ("creating", WRITING)
FAILED = "error"
"""How statuses of volumes begin that came to nothing."""
HAS_CONNECTION = ("attaching", "attached")
"""Of attachments."""
ATTACHED, RESERVED = "attached", "reserved"
NO_MARKS: Object = {"metadata": {}}
"""Of a volume that is gone."""


@outside_transactions
def reserve(caller: Caller, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    made: dict[tuple[str, str], str] = {}
    try:
        for volume_id, server_id in pairs:
            made[volume_id, server_id] = _reserve(caller, volume_id, server_id)
    except Exception:
        for attachment_id in made.values():
            _forget_quietly(attachment_id)
        raise
    return made


@outside_transactions
def attach(server_id: str, devices: Mapping[str, str]) -> dict[str, str]:
    volumes = {volume_id: find("volume", volume_id) for volume_id in devices}
    _check_ready(volumes)
    held = {one["volume_id"]: one for one in find_attachments(instance_id=server_id)}
    found = {}
    for volume_id, device in devices.items():
        forget_marks(volumes[volume_id] or NO_MARKS)
        entry = held.get(volume_id)
        attachment_id = entry["id"] if entry else create_attachment(volume_id, server_id)
        found[volume_id] = attachment_id
        status = entry["status"] if entry else ""
        if device and status != ATTACHED:
            _complete(attachment_id, server_id, device, connected=status in HAS_CONNECTION)
    return found


@outside_transactions
def begin_detaching(caller: Caller, server_id: str, volume_id: str) -> None:
    volume = find("volume", volume_id, caller=caller)
    servers = {one["server_id"] for one in volume["attachments"]} if volume else set()
    if server_id not in servers:
        raise VolumeNotDetachable(f"The server does not have volume {volume_id}.")
    try:
        act(volume_id, "os-begin_detaching", caller=caller)
    except (BadThere, ConflictThere) as refused:
        status = volume["status"] if volume else "unknown"
        raise VolumeNotDetachable(
            f"Volume {volume_id} is {status}; only one in use by this server can be detached."
        ) from refused


@outside_transactions
def stop_detaching(server_id: str, volume_id: str) -> None:
    volume = find("volume", volume_id)
    if volume is not None and volume["status"] == "detaching":
        act(volume_id, "os-roll_detaching")


@outside_transactions
def detach(server_id: str, volume_id: str, *, delete: bool = False) -> None:
    for entry in find_attachments(instance_id=server_id, volume_id=volume_id):
        forget_attachment(entry["id"])
    if delete:
        _delete_free([volume_id])


@outside_transactions
def release(server_ids: Collection[str], *, delete: Collection[str] = ()) -> None:
    for server_id in server_ids:
        for entry in find_attachments(instance_id=server_id):
            if entry["status"] == RESERVED:
                _end_reimage(entry["volume_id"])
            forget_attachment(entry["id"])
    _delete_free(delete)


def _reserve(caller: Caller, volume_id: str, server_id: str) -> str:
    volume = find("volume", volume_id, caller=caller)
    if volume is None:
        raise VolumeNotReservable(f"Volume {volume_id} does not exist.")
    try:
        return create_attachment(volume_id, server_id, caller=caller)
    except (BadThere, ConflictThere) as refused:
        raise VolumeNotReservable(
            f"Volume {volume_id} is {volume['status']} and cannot be reserved. {refused.detail}"
        ) from refused


def create_attachment(volume_id: str, server_id: str, *, caller: Caller | None = None) -> str:
    values = {"attachment": {"volume_uuid": volume_id, "instance_uuid": server_id}}
    return str(read("attachment", "POST", "/attachments", caller=caller, json=values)["id"])


def _complete(attachment_id: str, server_id: str, device: str, *, connected: bool) -> None:
    """Let Cinder export the volume, and tell it that the server has it."""
    connector = {
        "host": server_id,
        "initiator": f"iqn.2010-10.org.openstack:{server_id}",
        "ip": "127.0.0.1",
        "platform": "x86_64",
        "os_type": "linux",
        "multipath": False,
        "mountpoint": device,
    }
    path = f"/attachments/{attachment_id}"
    try:
        if not connected:
            call("PUT", path, json={"attachment": {"connector": connector}})
        call("POST", f"{path}/action", json={"os-complete": {}})
    except (BadThere, ConflictThere, NotThere) as refused:
        raise VolumeFailed(f"A volume cannot be attached. {refused.detail}") from refused


def _check_ready(volumes: Mapping[str, Object | None]) -> None:
    for volume_id, volume in volumes.items():
        status = volume["status"] if volume is not None else "unknown"
        if volume is None or status.startswith(FAILED):
            raise VolumeFailed(f"Volume {volume_id} is {status}.")
        if status in MAKING:
            raise VolumesNotReady(f"Volume {volume_id} is still {status}.")


def find_attachments(instance_id: str, **filters: Any) -> list[Object]:
    """Those of a server."""
    filters |= {"all_tenants": 1, "instance_id": instance_id}
    found: list[Object] = read("attachments", "GET", "/attachments", **filters)
    return [one for one in found if one["instance"] == instance_id]


def forget_attachment(attachment_id: str) -> None:
    try:
        call("DELETE", f"/attachments/{attachment_id}")
    except NotThere:
        logger.debug("attachment %s was gone already", attachment_id)


def _forget_quietly(attachment_id: str) -> None:
    """After a failure, whose reason is told; what is left a job takes back."""
    try:
        forget_attachment(attachment_id)
    except Refused as refused:
        logger.warning("attachment %s is taken back later: %s", attachment_id, refused.detail)


def _end_reimage(volume_id: str) -> None:
    """Forget that an image was to be written over the volume.

    Raises:
        VolumesNotReady: it is at it. Without the attachment Cinder would not let it go afterwards.
    """
    volume = find("volume", volume_id)
    if volume is not None and volume["status"] == WRITING:
        raise VolumesNotReady(f"Volume {volume_id} is {WRITING}.")
    forget_marks(volume or NO_MARKS, [REIMAGED_KEY])


def _delete_free(volume_ids: Collection[str]) -> None:
    """Delete the volumes that no server has any more."""
    for volume_id in volume_ids:
        volume = find("volume", volume_id)
        if volume is not None and not volume["attachments"]:
            delete_thing("volumes", volume)


def act(volume_id: str, action: str, *, caller: Caller | None = None, **values: Any) -> Any:
    return call("POST", f"/volumes/{volume_id}/action", caller=caller, json={action: values})

"""Writes an image over the volume that a server runs from, in a Cinder elsewhere.

Cinder does so with volumes that are reserved, not with those in use: the server gets a new
attachment in place of the one that it has, which stays reserved until the bytes are there.
"""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.elsewhere.faults import Refused
from compute_site.neighbours.volume.openstack.attach import (
    FAILED,
    RESERVED,
    WRITING,
    act,
    create_attachment,
    find_attachments,
    forget_attachment,
)
from compute_site.neighbours.volume.openstack.change import REIMAGED_KEY
from compute_site.neighbours.volume.openstack.service import call, find
from compute_site.neighbours.volume.protocol import VolumeFailed, VolumesNotReady, VolumeSpoiled


def reimage(caller: Caller, volume_id: str, image_id: str) -> None:
    """The server has the volume still."""


@outside_transactions
def finish_reimage(server_id: str, volume_id: str, image_id: str) -> None:
    volume = find("volume", volume_id)
    if volume is None:
        raise VolumeFailed(f"There is no volume {volume_id}.")
    status = volume["status"]
    if status.startswith(FAILED):
        raise VolumeSpoiled(f"Volume {volume_id} is {status}.")
    if status == WRITING:
        raise VolumesNotReady(f"Volume {volume_id} is {status}.")
    attachment_id = _let_go(server_id, volume_id)
    if status == RESERVED and volume["metadata"].get(REIMAGED_KEY) == attachment_id:
        return
    try:
        act(volume_id, "os-reimage", image_id=image_id, reimage_reserved=True)
    except Refused as refused:
        raise VolumeFailed(
            f"The image {image_id} cannot be written over volume {volume_id}. {refused.detail}"
        ) from refused
    # after it: whoever dies in between finds no mark, and lets it be written once more
    call("POST", f"/volumes/{volume_id}/metadata", json={"metadata": {REIMAGED_KEY: attachment_id}})
    raise VolumesNotReady(f"The image {image_id} is being written over volume {volume_id}.")


def _let_go(server_id: str, volume_id: str) -> str:
    """Leave the server a reserved attachment of the volume, and no other; return its id."""
    held = find_attachments(instance_id=server_id, volume_id=volume_id)
    reserved = [one["id"] for one in held if one["status"] == RESERVED]
    kept: str = reserved[0] if reserved else create_attachment(volume_id, server_id)
    for one in held:
        if one["id"] != kept:
            forget_attachment(one["id"])
    return kept

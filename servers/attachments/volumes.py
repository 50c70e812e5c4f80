"""The volumes that a server has."""

from __future__ import annotations

from collections.abc import Iterable

from compute_site.caller import Caller
from compute_site.neighbours import volume_service
from servers.errors import NoSuchItem
from servers.models import BlockDevice, Instance


def list_volumes(
    instance: Instance, *, offset: int = 0, limit: int = 0, claimed: bool = False
) -> list[BlockDevice]:
    """Those of the server's disks that are volumes. Nova: the page is cut from all disks; a limit
    of 0 is none. ``claimed``: only those whose attachment is known.
    """
    disks = list(BlockDevice.objects.filter(instance=instance).order_by("id"))
    page = disks[offset : offset + limit] if limit else disks[offset:]
    return [disk for disk in page if disk.volume_id and (disk.attachment_id or not claimed)]


def find_volume(instance: Instance, volume_id: str, *, claimed: bool = False) -> BlockDevice:
    """The disk that is the volume. ``claimed``: its attachment must be known.

    Raises:
        NoSuchItem: the server does not have the volume.
    """
    disk = BlockDevice.objects.filter(instance=instance, volume_id=volume_id).first()
    if disk is None or (claimed and disk.attachment_id is None):
        raise NoSuchItem(f"The server {instance.uuid} has no volume {volume_id[:64]!r}.")
    return disk


def find_loose_volume(caller: Caller, disks: Iterable[BlockDevice]) -> str | None:
    """The id of a volume among the disks that is not in use, as the volume service has it;
    ``None``: all are.
    """
    ids = [disk.volume_id for disk in disks if disk.volume_id]
    found = volume_service().find_volumes(caller, ids) if ids else {}
    loose = (key for key in ids if key not in found or found[key].status != "in-use")
    return next(loose, None)

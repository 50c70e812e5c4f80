"""Snapshots of volumes that hosts help with, as a volume service asks for them. Guests of simulated
hosts have no files behind the volumes of this site: there is nothing to do for them. Other hosts,
and a service elsewhere that would wait for what they write, are told that nobody helps.
"""

from __future__ import annotations

import dataclasses

from django.conf import settings

from servers.attachments.errors import SnapshotNotAssisted, VolumeNotOfOneServer
from servers.attachments.volume_changes import VOLUMES
from servers.drivers.choose import has_agent
from servers.models import BlockDevice, Instance


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AssistedSnapshot:
    """The volume, and the id that the service gave to its own record, if it told one."""

    volume_id: str
    record_id: str | None = None


def assist(volume_id: str) -> None:
    """Check that a host can help with the volume.

    Raises:
        VolumeNotOfOneServer: no server has it, several may, or its server lies on no host or is
            busy.
        SnapshotNotAssisted: its host writes no snapshots.
    """
    disks = BlockDevice.objects.filter(volume_id=volume_id, instance__in=Instance.objects.alive())
    servers = [disk.instance for disk in disks.select_related("instance")[:2]]
    if len(servers) != 1:
        found = "none has" if not servers else "several have"
        raise VolumeNotOfOneServer(f"One server must have the volume {volume_id[:80]}; {found}.")
    server = servers[0]
    if server.host is None or server.task_state is not None:
        raise VolumeNotOfOneServer(f"The server {server.uuid} lies on no host, or is busy.")
    if VOLUMES in settings.OPTIONS.joined_services or has_agent(server.node):
        raise SnapshotNotAssisted(
            f"The host of the server {server.uuid} writes no snapshots of volumes; the volume "
            "service has to make them itself, of a volume that is not in use if need be."
        )

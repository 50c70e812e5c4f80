"""Snapshots of volumes that hosts help with, as a volume service asks for them. Guests of simulated
hosts have no files behind their volumes: there is nothing to do for them.
"""

from __future__ import annotations

import dataclasses

from servers.attachments.errors import VolumeNotOfOneServer
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
    """
    disks = BlockDevice.objects.filter(volume_id=volume_id, instance__in=Instance.objects.alive())
    servers = [disk.instance for disk in disks.select_related("instance")[:2]]
    if len(servers) != 1:
        found = "none has" if not servers else "several have"
        raise VolumeNotOfOneServer(f"One server must have the volume {volume_id[:80]}; {found}.")
    server = servers[0]
    if server.host is None or server.task_state is not None:
        raise VolumeNotOfOneServer(f"The server {server.uuid} lies on no host, or is busy.")

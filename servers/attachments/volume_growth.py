"""What follows when a volume that servers have is larger than before."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from compute_site.neighbours.ids import canonical_ids
from servers.drivers.choose import drivers_at
from servers.models import BlockDevice, Instance


def tell_guests(volume_id: str, size: int, server_ids: Collection[str], **_: Any) -> None:
    """Note the new size (GiB), and let the guests see it."""
    servers = Instance.objects.alive().filter(uuid__in=canonical_ids(server_ids))
    having = servers.filter(block_devices__volume_id=volume_id).only("uuid", "node")
    BlockDevice.objects.filter(instance__in=having, volume_id=volume_id).update(volume_size=size)
    drivers = drivers_at(server.node for server in having)
    for server in having:
        if server.node in drivers:
            drivers[server.node].grow_disk(str(server.uuid), server.node, volume_id, size)

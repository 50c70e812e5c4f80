"""Gives back what servers hold: of hosts, and of the outside services."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.services import network_service, volume_service
from servers.conductor import claims
from servers.models import BlockDevice, Instance


def release_host(servers: Sequence[int]) -> None:
    """Give the hosts' resources back; harmless when nothing is held."""
    claims.release(servers)


def release_services(
    instances: Sequence[Instance], *, volumes: Sequence[str] = (), keep_volumes: bool = False
) -> None:
    """Delete or free ports; free volumes, and delete those that shall end with their server.

    ``volumes`` shall end with it too, though no row says so yet. ``keep_volumes``: the server is
    tried on another host, with its volumes.
    """
    server_ids = [str(instance.uuid) for instance in instances]
    network_service().disconnect(server_ids)
    if not keep_volumes:
        ending = [*volumes, *_ending_volumes(instances)]
        volume_service().release(server_ids, delete=ending)


def _ending_volumes(instances: Sequence[Instance]) -> list[str]:
    return [
        str(volume_id)
        for volume_id in BlockDevice.objects.filter(
            instance__in=instances, delete_on_termination=True, volume_id__isnull=False
        ).values_list("volume_id", flat=True)
    ]

"""Gives back what servers hold: of hosts, and of the outside services."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from compute_site.faults import Fault
from compute_site.neighbours import network_service, volume_service
from servers.lifecycle.jobs import ReleaseServices
from servers.models import BlockDevice, Instance
from servers.placement import claims

logger = logging.getLogger(__name__)

NOWHERE: dict[str, None] = {"host": None, "node": None}
"""Columns of a server that lies on no host."""


def release_host(servers: Sequence[int]) -> None:
    """Release the hosts' resources of the servers; servers without any are ignored."""
    claims.release(servers)


def release_services(
    instance: Instance, *, volumes: Sequence[str] = (), keep_volumes: bool = False
) -> None:
    """Delete or free ports; free volumes, and delete those that shall end with their server.

    ``volumes`` shall end with it too, though no row says so yet. ``keep_volumes``: the server is
    tried on another host, with its volumes. If a service does not answer, a job tries again later.
    """
    try:
        release_now(instance, volumes=volumes, keep_volumes=keep_volumes)
    except Fault as fault:
        logger.warning("server %s is released later: %s", instance.uuid, fault.detail)
        ReleaseServices(server_id=str(instance.uuid), volumes=tuple(volumes)).defer()


def release_late(job: ReleaseServices) -> None:
    """Release what a service could not release at the time; not where the server lives on."""
    instance = Instance.objects.filter(uuid=job.server_id).first()
    if instance is not None and (instance.deleted_at is not None or instance.host is None):
        release_now(instance, volumes=job.volumes)


def release_now(
    instance: Instance, *, volumes: Sequence[str] = (), keep_volumes: bool = False
) -> None:
    """``release_services`` without a second try.

    Raises:
        compute_site.faults.Unavailable: a service does not answer.
    """
    server_ids = [str(instance.uuid)]
    network_service().disconnect(server_ids)
    if not keep_volumes:
        ending = [*volumes, *_ending_volumes(instance)]
        volume_service().release(server_ids, delete=ending)


def _ending_volumes(instance: Instance) -> list[str]:
    return [
        str(volume_id)
        for volume_id in BlockDevice.objects.filter(
            instance=instance, delete_on_termination=True, volume_id__isnull=False
        ).values_list("volume_id", flat=True)
    ]

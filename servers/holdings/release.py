"""Gives back what servers hold: of hosts, and of the outside services.

Services are called outside of transactions only. A job of a host gives back first, and then lets
the rows go: where it dies in between, it is done again. A transaction that lets them go at once
defers a ``GiveBack`` job, which is done until the service has answered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import transaction

from compute_site.faults import Fault
from compute_site.neighbours import image_service, network_service, volume_service
from compute_site.neighbours.calls import runs_outside
from servers.lifecycle.jobs import (
    CompleteImage,
    ForgetImages,
    GiveBack,
    ReleaseServices,
    ReleaseVolume,
)
from servers.models import BlockDevice, Instance
from servers.placement import claims

logger = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=GiveBack)

NOWHERE: dict[str, None] = {"host": None, "node": None}
"""Columns of a server that lies on no host."""


def release_host(servers: Sequence[int]) -> None:
    """Release the hosts' resources of the servers; servers without any are ignored."""
    claims.release(servers)


def services_to_release(instance: Instance, volumes: Sequence[str] = ()) -> ReleaseServices:
    """The job that gives back the ports and volumes of a server; volumes that shall end with it are
    deleted: those whose rows say so, and ``volumes``, for which there is no row yet.
    """
    return ReleaseServices(server_id=str(instance.uuid), volumes=tuple(volumes))


def release_services(job: ReleaseServices) -> None:
    """Do the job, unless the server lives on.

    Raises:
        compute_site.faults.Unavailable: a service does not answer.
    """
    living = Instance.objects.alive().filter(uuid=job.server_id, host__isnull=False)
    if not living.exists():
        release_now(job)


def release_now(job: ReleaseServices) -> None:
    """The same for a server that is about to end, without asking whether it lives on."""
    ending = [*job.volumes, *_volumes_of(job.server_id, delete_on_termination=True)]
    network_service().disconnect([job.server_id])
    volume_service().release([job.server_id], delete=ending)
    if runs_outside(volume_service().create):
        volume_service().delete_unnamed(job.server_id, _volumes_of(job.server_id))


def release_volume(job: ReleaseVolume) -> None:
    volume_service().detach(job.server_id, job.volume_id, delete=job.delete)


def complete_image(job: CompleteImage) -> None:
    image_service().complete_image(job.image, job.properties)


def forget_images(job: ForgetImages) -> None:
    image_service().forget_images(job.project_id, job.images)


def after_commit(give_back: Callable[[Kind], None], job: Kind) -> None:
    """Defer the job, and do it as soon as the transaction is committed, for those who do not wait
    for workers.
    """
    job.defer()
    # Not a partial: Django tells the name of a function that fails, which a partial has not.
    transaction.on_commit(lambda: try_now(give_back, job), robust=True)


def try_now(give_back: Callable[[Kind], None], job: Kind) -> bool:
    """Do what the job does; ``False``: the service did not answer, and the queue has to do it."""
    try:
        give_back(job)
    except Fault as fault:
        logger.warning("%s is done later: %s", job.task_name, fault.detail)
        return False
    return True


def _volumes_of(server_id: str, **filters: bool) -> list[str]:
    disks = BlockDevice.objects.filter(instance__uuid=server_id, volume_id__isnull=False, **filters)
    return [str(volume_id) for volume_id in disks.values_list("volume_id", flat=True)]

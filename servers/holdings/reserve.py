"""Reserves volumes for servers, and sees that no reservation is left without a disk.

A service in this database undoes a reservation with the transaction that writes the disks. For one
elsewhere, whose ``reserve`` is marked as running outside of transactions, a job is committed before
it is asked: some minutes later the job takes back what no row names by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.caller import Caller
from compute_site.neighbours import volume_service
from compute_site.neighbours.calls import runs_outside
from servers.lifecycle.jobs import SwapVolume, TakeBackReservations
from servers.models import BlockDevice, BuildRequest

TAKE_BACK_SECONDS = 300
"""Much longer than a request may take: its statements are limited, and so is how long its
transaction may wait for it.
"""

Pair = tuple[str, str]
"""The ids of a volume and of a server."""


def reserve_volumes(
    caller: Caller, volumes: Sequence[str], servers: Sequence[str]
) -> Mapping[Pair, str]:
    """Reserve each of the volumes for each of the servers, or none: pair → attachment id. To be
    called in the transaction that writes the disks.

    Raises:
        VolumeNotReservable: a volume is in use, reserved, or not available.
    """
    service = volume_service()
    if runs_outside(service.reserve):
        left = TakeBackReservations(volumes=tuple(volumes), servers=tuple(servers))
        left.defer_apart(seconds=TAKE_BACK_SECONDS)
    return service.reserve(caller, [(volume, server) for server in servers for volume in volumes])


def take_back_reservations(job: TakeBackReservations) -> None:
    """Do the job: delete the attachments that no disk has.

    Raises:
        compute_site.faults.Unavailable: the service does not answer.
    """
    named = set(_named(job))
    for server in job.servers:
        for volume in job.volumes:
            if (volume, server) not in named:
                volume_service().detach(server, volume)


def _named(job: TakeBackReservations) -> Iterator[Pair]:
    """The pairs that are or will be disks. What will be is read first: meanwhile it may become a
    disk, but no disk becomes anything else.
    """
    swaps = ProcrastinateJob.objects.filter(
        task_name=SwapVolume.task_name,
        status__in=("todo", "doing"),
        args__server_id__in=job.servers,
    )
    yield from swaps.values_list("args__volume_id", "args__server_id")
    requests = BuildRequest.objects.filter(instance__uuid__in=job.servers)
    for server, devices in requests.values_list("instance__uuid", "block_devices"):
        yield from ((device["volume_id"], str(server)) for device in devices)
    disks = BlockDevice.objects.filter(
        instance__uuid__in=job.servers, volume_id__in=job.volumes, instance__deleted_at=None
    )
    for volume, server in disks.values_list("volume_id", "instance__uuid"):
        yield str(volume), str(server)

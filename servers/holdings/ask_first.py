"""Asks services elsewhere before our transactions, and takes back what came of it if they fail.

A service in this database joins the transaction that needs its answer, and is undone with it. One
elsewhere, whose call is marked as running outside of transactions, is asked before: no row is
locked while we wait. A job is committed before it is asked; some minutes later the job takes back
what no row and no other job names by then.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.caller import Caller
from compute_site.db.prepared import prepared_cursor
from compute_site.faults import Unavailable
from compute_site.neighbours import volume_service
from compute_site.neighbours.calls import runs_outside
from servers.lifecycle.jobs import (
    DetachVolume,
    GiveBack,
    SwapVolume,
    TakeBackDetaching,
    TakeBackReservations,
    TakeBackSnapshots,
)
from servers.models import BlockDevice, BuildRequest

TAKE_BACK_SECONDS = 300
"""Much longer than a request may take: its statements are limited, and so is how long it may wait
for a service.
"""

FORGET_JOB = """
DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'todo' RETURNING id
"""


class TookTooLong(Unavailable):
    """What was asked for has been taken back before the transaction that needs it was through."""

    code = "took_too_long"


@dataclasses.dataclass(frozen=True, slots=True)
class Precaution:
    """A job, committed before a service elsewhere is asked, that takes back some minutes later what
    came of it, unless ``keep`` is called in a transaction that is committed.
    """

    job_id: int

    def keep(self) -> None:
        """To be called in the transaction that needs what was asked for: the job goes with its
        commit, and stays where it fails.

        Raises:
            TookTooLong: the job has begun.
        """
        with prepared_cursor() as cursor:
            cursor.execute(FORGET_JOB, [self.job_id])
            if cursor.fetchone() is None:
                raise TookTooLong("A service took too long to answer; try again.")


def take_precaution(job: GiveBack) -> Precaution:
    """To be called before the service is asked, and before any transaction."""
    return Precaution(job.defer_apart(seconds=TAKE_BACK_SECONDS))


Pair = tuple[str, str]
"""The ids of a volume and of a server."""

Attachments = Mapping[Pair, str]
"""The ids of attachments."""

Reserve = Callable[[Sequence[str]], Attachments]
"""Takes the servers that are written."""


def reserving(caller: Caller, volumes: Sequence[str], servers: Sequence[str]) -> Reserve:
    """How the volumes are reserved for those of the servers that are written, each for each, or
    none. To be called before the transaction that writes the disks; what it returns, in it.

    Raises:
        VolumeNotReservable: a volume is in use, reserved, or not available; here or there.
    """
    service = volume_service()

    def reserve(chosen: Sequence[str]) -> Attachments:
        if not volumes:
            return {}
        return service.reserve(
            caller, [(volume, server) for server in chosen for volume in volumes]
        )

    if not volumes or not runs_outside(service.reserve):
        return reserve
    left = TakeBackReservations(volumes=tuple(volumes), servers=tuple(servers))
    left.defer_apart(seconds=TAKE_BACK_SECONDS)
    found = reserve(servers)
    return lambda _chosen: found


def detaching(caller: Caller, server_id: str, volume_id: str) -> Callable[[], None]:
    """How the volume begins to be detached. To be called before the transaction that hands the
    rest to the host; what it returns, in it.

    Raises:
        VolumeNotDetachable: the server does not have it, or somebody detaches it already; here or
            there.
    """
    begin = volume_service().begin_detaching
    if not runs_outside(begin):
        return functools.partial(begin, caller, server_id, volume_id)
    left = TakeBackDetaching(server_id=server_id, volume_id=volume_id)
    left.defer_apart(seconds=TAKE_BACK_SECONDS)
    begin(caller, server_id, volume_id)
    return lambda: None


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


def take_back_detaching(job: TakeBackDetaching) -> None:
    """Do the job: let the server keep the volume that no host shall detach.

    Raises:
        compute_site.faults.Unavailable: the service does not answer.
    """
    disks = BlockDevice.objects.filter(
        instance__uuid=job.server_id, volume_id=job.volume_id, instance__deleted_at=None
    )
    disk_id = disks.values_list("uuid", flat=True).first()
    if disk_id is None:
        return
    is_asked = ProcrastinateJob.objects.filter(
        task_name__in=(DetachVolume.task_name, SwapVolume.task_name),
        status__in=("todo", "doing"),
        args__disk_id=str(disk_id),
    )
    if not is_asked.exists():
        volume_service().stop_detaching(job.server_id, job.volume_id)


def take_back_snapshots(job: TakeBackSnapshots) -> None:
    """Do the job. Raises ``Unavailable`` where the service does not answer."""
    volume_service().delete_snapshots(job.volumes, job.mark)


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

"""Takes back what requests that died left in a network service elsewhere."""

from __future__ import annotations

import dataclasses

from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.neighbours import network_service
from servers.attachments.network_events import update_nics
from servers.lifecycle.jobs import AttachInterface, ReadNics, TakeBackNics
from servers.models import Instance, VmState

LOOK_AGAIN_SECONDS = 120
"""Longer than it takes to note a port that has just been made."""


def take_back_nics(job: TakeBackNics) -> None:
    """Do the job: look twice, and take away what was unknown both times.

    Raises:
        compute_site.faults.Unavailable: the service does not answer.
    """
    unknown = _unknown(job.server_id)
    for port_id in unknown & set(job.suspects):
        network_service().unplug(job.server_id, port_id)
    new = tuple(sorted(unknown - set(job.suspects)))
    if new:
        again = dataclasses.replace(job, suspects=new)
        again.defer_apart(seconds=LOOK_AGAIN_SECONDS)


def read_nics(job: ReadNics) -> None:
    """Do the job. Raises ``Unavailable`` where the service does not answer."""
    update_nics(job.servers)


def _unknown(server_id: str) -> set[str]:
    """The ports of a server that it is not known to have. Of one that is being built nothing is
    known yet, and one that is gone gives its ports back by itself.
    """
    built = Instance.objects.alive().exclude(network_info=[], vm_state=VmState.BUILDING)
    server = built.filter(uuid=server_id).first()
    if server is None:
        return set()
    held = {nic.port_id for nic in network_service().nics([server_id]).get(server_id, ())}
    attached = ProcrastinateJob.objects.filter(
        task_name=AttachInterface.task_name,
        status__in=("todo", "doing"),
        args__server_id=server_id,
    )
    asked = set(attached.values_list("args__port_id", flat=True))
    return held - {nic["port_id"] for nic in server.network_info} - asked

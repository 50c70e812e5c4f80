"""Finds a host for a server that was shelved, and hands it over."""

from __future__ import annotations

import functools

from django.db.models import QuerySet

from servers.actions.perform import give_up
from servers.drivers.disks import name_new_disks
from servers.lifecycle.actions import HOST_ACTIONS
from servers.lifecycle.jobs import PerformAction, UnshelveServer
from servers.models import Instance, TaskState
from servers.placement import claims
from servers.placement.find import Try, find_hosts, until_claimed
from servers.placement.report import NoValidHost, keep_reports

UNSHELVE = HOST_ACTIONS["unshelve"]


def place_shelved(job: UnshelveServer) -> None:
    """Doing it twice is harmless: the second time the server has a host."""
    instance = _waiting(job).first()
    if instance is not None:
        name_new_disks(instance)
        until_claimed(functools.partial(_place_shelved, job))


def _waiting(job: UnshelveServer) -> QuerySet[Instance]:
    waiting = Instance.objects.alive().filter(task_state=TaskState.UNSHELVING, host__isnull=True)
    return waiting.filter(uuid=job.server_id)


def _place_shelved(job: UnshelveServer, attempt: Try) -> None:
    locked = _waiting(job).select_for_update(of=("self",), no_key=True)
    instance = locked.select_related("request_spec__instance_group").first()
    if instance is None:
        return
    try:
        _place(instance, job.host, attempt)
    except NoValidHost as fault:
        give_up(instance, UNSHELVE, fault.detail)
        keep_reports({instance.pk: fault.report})


def _place(instance: Instance, host: str | None, attempt: Try) -> None:
    spec = instance.request_spec
    spec.force_hosts, spec.force_nodes = [], []  # they count for the creation only
    spec.requested_destination = {"host": host} if host else None
    [placement] = find_hosts(spec, attempt=attempt)
    chosen = placement.host
    claims.claim_places({instance.pk: placement})
    keep_reports({instance.pk: placement.report})
    Instance.objects.filter(pk=instance.pk).update(
        host=chosen.host, node=chosen.node, availability_zone=chosen.zone
    )
    PerformAction(server_id=str(instance.uuid), task=UNSHELVE.task).defer()

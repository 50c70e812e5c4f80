"""Finds a host for a server that was shelved, and hands it over."""

from __future__ import annotations

from django.db import transaction

from servers.actions.perform import give_up
from servers.drivers.disks import name_new_disks
from servers.lifecycle.actions import HOST_ACTIONS
from servers.lifecycle.jobs import PerformAction, UnshelveServer
from servers.models import Instance, TaskState
from servers.placement import claims
from servers.placement.demand import read_demand
from servers.placement.hosts import lock_group, read_hosts
from servers.placement.schedule import NoValidHost, choose_hosts

UNSHELVE = HOST_ACTIONS["unshelve"]


def place_shelved(job: UnshelveServer) -> None:
    """Doing it twice is harmless: the second time the server has a host."""
    with transaction.atomic():
        instance = (
            Instance.objects.alive()
            .select_for_update(of=("self",), no_key=True)
            .filter(uuid=job.server_id, task_state=TaskState.UNSHELVING, host__isnull=True)
            .select_related("request_spec__instance_group")
            .first()
        )
        if instance is None:
            return
        name_new_disks(instance)  # before the hosts: volumes are locked first, by everybody
        try:
            _place(instance, job.host)
        except NoValidHost as fault:
            give_up(instance, UNSHELVE, fault.detail)


def _place(instance: Instance, host: str | None) -> None:
    """The hosts are locked, so that nobody else takes the room meanwhile."""
    spec = instance.request_spec
    spec.force_hosts, spec.force_nodes = [], []  # they were for the first time only
    spec.requested_destination = {"host": host} if host else None
    lock_group(spec.instance_group)
    demand = read_demand(spec)
    hosts = read_hosts(demand, spec.instance_group, lock=True)
    [placement] = choose_hosts(demand, hosts, count=1, alternates=0)
    chosen = placement.host
    claims.claim(claims.needs_of(demand, {instance.pk: chosen.provider_id}))
    Instance.objects.filter(pk=instance.pk).update(
        host=chosen.host, node=chosen.node, availability_zone=chosen.zone
    )
    PerformAction(server_id=str(instance.uuid), task=UNSHELVE.task).defer()

"""What must be true of the database when all work is done; prints JSON: a list of what is not."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")

import django

django.setup()

from django.db.models import Count, Q

from compute_site.identity.models import Project
from compute_site.neighbours.network.models import Port
from quotas.counters import check_counters
from servers.holdings.audit import find_wrongs
from servers.models import BuildRequest, Instance, Inventory, VmState
from servers.usage import count_usage

ON_NO_HOST = (VmState.ERROR, VmState.SHELVED_OFFLOADED)


def unsettled() -> list[str]:
    """Servers on which something is still going on."""
    busy = Instance.objects.alive().filter(
        Q(task_state__isnull=False) | Q(vm_state=VmState.BUILDING)
    )
    return [f"{i.uuid}: {i.vm_state}, {i.task_state}" for i in busy]


def wrongs(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"still busy: {server}" for server in unsettled())
    yield from _lost_or_doubled(set(told["accepted"]), tuple(told["unsure_names"]))
    yield from _gone(set(told["deleted"]), set(told["unsure_deletions"]))
    yield from _hosts()
    yield from _leftovers()
    for project in Project.objects.all():
        for drift in check_counters(project.pk, count_usage, fix=False):
            yield f"usage of {drift.resource} is {drift.counter}, but {drift.counted} are there"


def _lost_or_doubled(accepted: set[str], unsure: tuple[str, ...]) -> Iterator[str]:
    rows = dict(Instance.objects.values_list("reservation_id", "display_name"))
    yield from (f"accepted, but lost: {one}" for one in accepted - rows.keys())
    for one in rows.keys() - accepted:
        if not rows[one].startswith(unsure):
            yield f"never accepted: {one}, {rows[one]}"


def _gone(deleted: set[str], unsure: set[str]) -> Iterator[str]:
    alive = {str(key) for key in Instance.objects.alive().values_list("uuid", flat=True)}
    yield from (f"deleted, but alive: {one}" for one in deleted & alive)
    gone = {str(key) for key in Instance.objects.values_list("uuid", flat=True)} - alive
    yield from (f"gone, but nobody deleted it: {one}" for one in gone - deleted - unsure)


def _hosts() -> Iterator[str]:
    """What ``manage.py audit_placement`` finds, and what it does not look at."""
    yield from (f"audit_placement: {wrong.text}" for wrong in find_wrongs())
    for stock in Inventory.objects.filter(free__lt=0).select_related("provider"):
        yield f"{stock.provider} has given away {-stock.free} {stock.resource_class} too much"
    for instance in Instance.objects.annotate(held=Count("consumers")):
        on_host = instance.host is not None and instance.vm_state != VmState.DELETED
        expected = 2 if instance.vm_state == VmState.RESIZED else int(on_host)
        if instance.held != expected and instance.vm_state not in ON_NO_HOST:
            yield f"{instance.uuid}: {instance.vm_state} with {instance.held} allocations"
        if instance.vm_state == VmState.ACTIVE and not on_host:
            yield f"{instance.uuid}: active without a host"


def _leftovers() -> Iterator[str]:
    alive = {str(key) for key in Instance.objects.alive().values_list("uuid", flat=True)}
    for port in Port.objects.exclude(device_id=""):
        if port.device_id not in alive:
            yield f"port {port.pk} belongs to {port.device_id}, which is gone"
    ports = Counter(Port.objects.values_list("device_id", flat=True))
    yield from (f"{server} has {count} ports" for server, count in ports.items() if count > 1)
    yield from (f"build request {request.pk} is left" for request in BuildRequest.objects.all())


if __name__ == "__main__":
    print(json.dumps(list(wrongs(json.load(sys.stdin)))))

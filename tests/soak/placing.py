"""``python -m tests.soak.placing [seconds]``: many conductors place, move and delete servers,
while hosts go down, are closed, lose their cards, vanish and come back.

Hosts have cards below their roots, so that whole trees are claimed. Prints what was done, and what
is wrong in the end: claims that are lost or doubled, inventories that do not add up, servers that
hold something of a host on which they do not lie. Exits with 1 when anything is.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.db.models import Count, Sum
from django.test.utils import setup_test_environment
from procrastinate.contrib.django import app

from servers.holdings.audit import find_wrongs
from servers.lifecycle.companions import current_job
from servers.models import (
    Allocation,
    ComputeNode,
    Consumer,
    Instance,
    Inventory,
    Service,
    VmState,
)
from tests.benchmarks.site import ROOT, drop_database, make_database
from tests.servers.placement.rich_hosts import enrich
from tests.world.cast import Cast, make_cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image
from tests.world.hosts import make_host
from tests.world.jobs import fetch_job
from tests.world.orders import limit

INSIDE = "SOAK_OF_PLACING"
SECONDS = 40.0
SETTLE_SECONDS = 120.0
CONDUCTORS, CLIENTS, HOSTS = 8, 4, 8
ACTIONS: tuple[dict[str, Any], ...] = (
    {"migrate": None},
    {"os-migrateLive": {"host": None, "block_migration": "auto"}},
    {"resize": {"flavorRef": "large"}},
    {"resize": {"flavorRef": "cards"}},
    {"confirmResize": None},
    {"revertResize": None},
    {"confirmResize": None},
    {"shelve": None},
    {"unshelve": None},
)
FLAVORS: dict[str, dict[str, Any]] = {
    "small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1},
    "large": {"vcpus": 4, "memory_mb": 4096, "root_gb": 10},
    "cards": {
        "vcpus": 1,
        "memory_mb": 512,
        "root_gb": 1,
        "extra_specs": {
            "resources1:VGPU": "1",
            "resources2:VGPU": "1",
            "group_policy": "isolate",
        },
    },
}
AMOUNTS = {
    "small": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1},
    "large": {"VCPU": 4, "MEMORY_MB": 4096, "DISK_GB": 10},
    "cards": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1, "VGPU": 2},
}
"""What a server of each flavor holds of its host."""


class Soak:
    """What is shared by all threads."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.chance = random.Random(os.environ.get("SOAK_SEED"))  # noqa: S311 - repeatable
        self.done: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.drained = threading.Event()

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    def run(self, work: Any) -> threading.Thread:
        def loop() -> None:
            try:
                work(self)
            except Exception as error:  # noqa: BLE001 - told in the end
                self.failures[f"{work.__name__} ended: {error!r}"] += 1
            finally:
                connection.close()

        thread = threading.Thread(target=loop)
        thread.start()
        return thread


def client(soak: Soak) -> None:
    """Orders servers, and does something with those that are there."""
    api = ApiClient(Cast.admin)
    while soak.goes_on:
        chance = soak.chance.random()
        servers = list(Instance.objects.alive().values_list("uuid", flat=True).order_by("?")[:1])
        if chance < 0.3 or not servers:
            flavor, count = soak.chance.choice(list(FLAVORS)), soak.chance.choice([1, 1, 2, 5])
            order = {"name": "soak", "flavorRef": flavor, "imageRef": IMAGE[0], "networks": "none"}
            body = {"server": {**order, "min_count": count, "max_count": count}}
            answer = api.post("/servers", body, microversion="2.68")
            soak.done[f"create {answer.status}"] += 1
        elif chance < 0.45:
            soak.done[f"delete {api.delete(f'/servers/{servers[0]}').status}"] += 1
        else:
            body = soak.chance.choice(ACTIONS)
            path = f"/servers/{servers[0]}/action"
            answer = api.post(path, body, microversion="2.68")
            soak.done[f"{next(iter(body))} {answer.status}"] += 1
        if answer_is_bad(soak):
            return
        time.sleep(0.02)


def answer_is_bad(soak: Soak) -> bool:
    return any(word.endswith(" 500") for word in soak.done)


def conductor(soak: Soak) -> None:
    """Takes jobs off the queue, whichever come, until there are none and the time is over."""
    while not soak.drained.is_set():
        found = fetch_job()
        if found is None:
            time.sleep(0.02)
            continue
        job, task, arguments = found
        status, token = "succeeded", current_job.set(job)
        try:
            app.tasks[task].func(**arguments)
        except Exception as error:  # noqa: BLE001 - told in the end
            status = "failed"
            soak.failures[f"{task}: {error!r}"] += 1
        finally:
            current_job.reset(token)
        with connection.cursor() as cursor:
            cursor.execute("SELECT procrastinate_finish_job_v1(%s, %s, true)", [job, status])
        soak.done[task] += 1


def trouble(soak: Soak) -> None:
    """Something happens to a host, and is over a little later."""
    while soak.goes_on:
        name = f"host{soak.chance.randrange(HOSTS)}"
        service = Service.objects.computes().filter(host=name)
        kind = soak.chance.choice(["down", "disabled", "cards", "vanish"])
        if kind == "vanish":
            soak.done["host vanished"] += vanish(name)
        elif kind == "cards":
            cards = Inventory.objects.filter(provider__name__startswith=f"{name} ")
            cards.update(total=0)
            time.sleep(0.2)
            cards.update(total=4)
        elif kind == "disabled":
            service.update(disabled=True)
            time.sleep(0.5)
            service.update(disabled=False)
        else:
            service.update(forced_down=True)
            evacuate(soak, name)
            service.update(forced_down=False)
        soak.done[f"trouble: {kind}"] += 1
        time.sleep(0.1)


def evacuate(soak: Soak, host: str) -> None:
    """Build the servers of the host elsewhere, and give that some time."""
    api = ApiClient(Cast.admin)
    for server in Instance.objects.alive().filter(host=host).values_list("uuid", flat=True):
        answer = api.post(f"/servers/{server}/action", {"evacuate": {}}, microversion="2.68")
        soak.done[f"evacuate {answer.status}"] += 1
    time.sleep(0.5)


def vanish(name: str) -> int:
    """Delete the host if it is empty, and make it again."""
    service = Service.objects.computes().filter(host=name).first()
    if service is None:
        return 0
    answer = ApiClient(Cast.admin).delete(f"/os-services/{service.uuid}", microversion="2.53")
    if answer.status != 204:
        return 0
    add_host(name)
    return 1


def add_host(name: str) -> None:
    node = make_host(name, vcpus=16, memory_mb=32768, local_gb=1000, cpu_allocation_ratio=2.0)
    enrich(node, CARDS)


CARDS = {
    "children": [
        {"name": "card-1", "inventories": {"VGPU": {"total": 4}}},
        {"name": "card-2", "inventories": {"VGPU": {"total": 4}}},
    ]
}
IMAGE: list[str] = []


def prepare() -> None:
    setup_test_environment()
    call_command("migrate", verbosity=0)
    make_cast()
    for name, values in FLAVORS.items():
        make_flavor(flavorid=name, name=name, **values)
    for number in range(HOSTS):
        add_host(f"host{number}")
    for resource in ("instances", "cores", "ram"):
        limit(resource, -1)
    IMAGE.append(str(make_image().pk))
    app.perform_import_paths()


def settle(soak: Soak) -> None:
    """Until there is no job any more."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
            )
            if not cursor.fetchone()[0]:
                break
        time.sleep(0.2)
    else:
        soak.failures["the jobs do not come to an end"] += 1
    soak.drained.set()


def wrongs() -> Iterator[str]:
    yield from (f"audit_placement: {wrong.text}" for wrong in find_wrongs())
    for stock in Inventory.objects.select_related("provider"):
        held = Allocation.objects.filter(
            provider=stock.provider, resource_class=stock.resource_class
        ).aggregate(sum=Sum("amount", default=0))["sum"]
        if held != stock.used:
            yield f"{stock.provider}: {stock.used} {stock.resource_class} used, {held} held"
        if stock.free < 0:
            yield f"{stock.provider}: {-stock.free} {stock.resource_class} too many are given away"
    for server in Instance.objects.prefetch_related("consumers__allocations__provider__root"):
        yield from _wrongs_of(server)
    guests = Consumer.objects.values("allocations__provider__root__node").annotate(
        number=Count("pk", distinct=True)
    )
    counted = {row["allocations__provider__root__node"]: row["number"] for row in guests}
    for node in ComputeNode.objects.all():
        if node.running_vms != counted.get(node.pk, 0):
            yield f"{node} counts {node.running_vms} servers, {counted.get(node.pk, 0)} are there"


def _wrongs_of(server: Instance) -> Iterator[str]:
    own = [one for one in server.consumers.all() if one.migration_id is None]
    moving = [one for one in server.consumers.all() if one.migration_id is not None]
    told = f"{server.uuid} ({server.vm_state}, {server.task_state}, deleted {server.deleted_at})"
    if server.deleted_at is not None or server.host is None:
        if own or moving:
            yield f"{told} holds something"
        return
    if server.task_state is not None:
        yield f"{told} is still busy"
        return
    if len(own) != 1 or len(moving) != int(server.vm_state == VmState.RESIZED):
        yield f"{told} has {len(own)} claims, and {len(moving)} of moves"
        return
    [claim] = own
    hosts = {one.provider.root.name for one in claim.allocations.all()}
    amounts: Counter[str] = Counter()
    for one in claim.allocations.all():
        amounts[one.resource_class] += one.amount
    if hosts != {server.node}:
        yield f"{told} lies on {server.node}, but holds something of {sorted(hosts)}"
    wanted = AMOUNTS[str(server.flavor["name"])]
    if amounts != wanted:
        yield f"{told} holds {dict(amounts)}, not {wanted}"


def main() -> int:
    prepare()
    soak = Soak(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    conductors = [soak.run(conductor) for _ in range(CONDUCTORS)]
    others = [soak.run(client) for _ in range(CLIENTS)] + [soak.run(trouble)]
    for thread in others:
        thread.join()
    settle(soak)
    for thread in conductors:
        thread.join(60)
    states = Counter(Instance.objects.values_list("vm_state", flat=True))
    found = {
        "done": dict(sorted(soak.done.items())),
        "servers": dict(sorted(states.items())),
        "failures": dict(soak.failures),
        "wrong": list(wrongs()),
    }
    print(json.dumps(found, indent=1))
    return int(bool(found["wrong"] or found["failures"] or answer_is_bad(soak)))


def run_apart() -> int:
    """In a process of its own, whose database is new."""
    environment = {**os.environ, "DATABASE_URL": make_database(), INSIDE: "yes"}
    command = [sys.executable, "-m", "tests.soak.placing", *sys.argv[1:]]
    try:
        return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode
    finally:
        drop_database()


if __name__ == "__main__":
    sys.exit(main() if INSIDE in os.environ else run_apart())

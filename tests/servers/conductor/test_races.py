"""Several conductors at once: no host is filled beyond its room, no hard rule of a group breaks."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from servers.build import place
from servers.build.place import place_reservation
from servers.delete.delete import delete_server
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed, Guest
from servers.models import (
    Allocation,
    BuildRequest,
    ComputeNode,
    Consumer,
    HardwareClaim,
    Instance,
    PciDevice,
    ServerGroup,
)
from servers.placement import claims
from servers.placement.find import TRIES, Try
from tests.servers.placement.fit.factories import make_guest
from tests.world.callers import caller_of
from tests.world.cast import Cast
from tests.world.factories import make_flavor
from tests.world.hosts import (
    assert_hardware_adds_up,
    assert_hosts_add_up,
    make_bound_host,
    make_host,
    set_inventory,
)
from tests.world.jobs import run_jobs
from tests.world.reservations import make_reservation, usage_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("cast")]


def at_once(*actions: Callable[[], object]) -> None:
    """Run all in threads that begin together; none may fail."""
    barrier = threading.Barrier(len(actions))
    failures: list[BaseException] = []

    def run(action: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            action()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def placing(server: Instance) -> Callable[[], None]:
    return lambda: place_reservation(server.reservation_id)


def make_group(policy: str) -> ServerGroup:
    owner = Cast.member
    return ServerGroup.objects.create(
        name=policy, policy=policy, project_id=owner.project_id, user_id=owner.user_id
    )


def test_the_last_room_is_given_once() -> None:
    make_host("host1", vcpus=1, cpu_allocation_ratio=4)
    servers = [make_reservation(1)[0] for _ in range(8)]
    at_once(*map(placing, servers))
    states = Counter(Instance.objects.values_list("vm_state", flat=True))
    assert states == {"building": 4, "error": 4}
    node = ComputeNode.objects.get()
    assert (node.vcpus_used, node.running_vms) == (4, 4)
    assert Consumer.objects.count() == 4


def test_the_last_cpus_and_devices_are_given_once() -> None:
    """Of eight servers that want two CPUs and a device each, three find them."""
    cells = [{"id": 0, "shared_cpus": "0-1", "dedicated_cpus": "2-9", "memory_mb": 8192}]
    ids = {"vendor_id": "8086", "product_id": "154c"}
    devices = [{"address": f"0000:3b:00.{number}", **ids} for number in range(3)]
    make_bound_host("host1", {"cells": cells, "devices": devices})
    flavor = make_flavor(vcpus=2, extra_specs={"hw:cpu_policy": "dedicated"})
    guest = make_guest("0-1").as_json()
    request = {"alias": "nic", "count": 1, "specs": [ids]}
    servers = [
        make_reservation(flavor=flavor, numa_topology=guest, pci_requests=[request])[0]
        for _ in range(8)
    ]
    at_once(*map(placing, servers))
    states = Counter(Instance.objects.values_list("vm_state", flat=True))
    assert states == {"building": 3, "error": 5}
    assert_hosts_add_up()
    assert_hardware_adds_up()
    caller = caller_of(Cast.member)
    at_once(*(functools.partial(delete_server, caller, server) for server in servers))
    run_jobs()
    assert not HardwareClaim.objects.exists()
    assert not PciDevice.objects.exclude(consumer=None).exists()
    assert_hosts_add_up()


@pytest.mark.parametrize("policy", ["affinity", "anti-affinity"])
def test_hard_rules_of_a_group_hold(policy: str) -> None:
    for number in range(4):
        make_host(f"host{number}")
    group = make_group(policy)
    servers = [make_reservation(1, group=group)[0] for _ in range(6)]
    at_once(*map(placing, servers))
    hosts = Counter(Instance.objects.exclude(host=None).values_list("host", flat=True))
    if policy == "affinity":
        assert list(hosts.values()) == [6]
    else:
        assert list(hosts.values()) == [1, 1, 1, 1]


def test_a_reservation_is_placed_once() -> None:
    make_host(vcpus=100)
    [server, *_] = make_reservation(5)
    at_once(*[placing(server)] * 4)
    assert Consumer.objects.count() == 5
    assert ComputeNode.objects.get().running_vms == 5


def test_placing_and_deleting_at_once_leaves_nothing() -> None:
    make_host(vcpus=100, cpu_allocation_ratio=16)
    servers = make_reservation(6)
    caller = caller_of(Cast.member)
    deletions = [lambda server=server: delete_server(caller, server) for server in servers]
    at_once(placing(servers[0]), *deletions)
    run_jobs()
    assert set(Instance.objects.values_list("vm_state", flat=True)) == {"deleted"}
    assert usage_of() == {}
    assert not Allocation.objects.exists()
    assert not BuildRequest.objects.exists()
    assert ComputeNode.objects.get().running_vms == 0


def test_building_and_deleting_at_once_leaves_nothing() -> None:
    make_host(vcpus=100)
    servers = make_reservation(2)
    caller = caller_of(Cast.member)
    at_once(
        run_jobs,
        run_jobs,
        *[lambda server=server: delete_server(caller, server) for server in servers * 2],
    )
    run_jobs()
    assert set(Instance.objects.values_list("vm_state", flat=True)) == {"deleted"}
    assert usage_of() == {}
    assert ComputeNode.objects.get().running_vms == 0


def test_room_that_others_took_meanwhile_is_looked_for_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = make_host("large", memory_mb=65536)
    make_host("small")
    [server] = make_reservation(flavor=make_flavor(memory_mb=1024))
    claim = claims.claim_places

    def take_before(*arguments: Any) -> None:
        monkeypatch.setattr(claims, "claim_places", claim)
        at_once(lambda: set_inventory(large, {"MEMORY_MB": 65000}, "used"))
        claim(*arguments)

    monkeypatch.setattr(claims, "claim_places", take_before)
    place_reservation(server.reservation_id)
    server.refresh_from_db()
    assert server.host == "small"


def test_conductors_that_always_come_too_late_lock_the_hosts_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_host()
    [server] = make_reservation()
    locked: list[bool] = []
    search, claim_places = place.find_hosts, claims.claim_places

    def note(*arguments: Any, attempt: Try, **named: Any) -> object:
        locked.append(attempt.locks)
        return search(*arguments, attempt=attempt, **named)

    def refuse_unless_locked(*arguments: Any) -> None:
        if not locked[-1]:
            raise claims.RoomTaken
        claim_places(*arguments)

    monkeypatch.setattr(place, "find_hosts", note)
    monkeypatch.setattr(claims, "claim_places", refuse_unless_locked)
    place_reservation(server.reservation_id)
    assert locked == [*[False] * (TRIES - 1), True]
    assert Consumer.objects.count() == 1


def test_hosts_that_fail_at_once_hand_their_servers_on_within_the_rule_of_the_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("bad1", "bad2", "good1", "good2"):
        make_host(name, memory_mb=65536 if name.startswith("bad") else 32768)

    def spawn(guest: Guest) -> None:
        if guest.node.startswith("bad"):
            raise DriverFailed("The host is out of order.")

    monkeypatch.setattr(fake, "spawn", spawn)
    group = make_group("anti-affinity")
    for server in make_reservation(2, group=group):
        placing(server)()
    at_once(run_jobs, run_jobs)
    run_jobs()
    hosts = sorted(Instance.objects.values_list("vm_state", "host"))
    assert hosts == [("active", "good1"), ("active", "good2")]

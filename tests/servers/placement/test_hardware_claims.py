"""Random hosts and guests through the search and the claims: whatever comes and goes, each guest
has what it asked for, and nothing belongs to two.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from compute_site.faults import Fault
from servers.hardware import FlavorHardware, ImageProperties
from servers.hardware.numa import plan_numa
from servers.hardware.pci import choose_pci_numa_policy, plan_pci_requests
from servers.models import (
    HardwareClaim,
    Instance,
    Migration,
    MigrationType,
    PciDevice,
    RequestSpec,
)
from servers.placement import claims
from servers.placement.choose import Placement
from servers.placement.find import find_hosts
from servers.placement.fit import GuestDemand
from servers.placement.report import NoValidHost
from servers.placement.topologies import read_topologies
from tests.servers.placement.fit.checker import check_placement
from tests.servers.placement.fit.factories import make_device, make_nic
from tests.world.cast import ALPHA, Cast
from tests.world.factories import make_instance
from tests.world.hosts import assert_hardware_adds_up, assert_hosts_add_up, make_bound_host

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

ALIASES = (
    {"name": "function", "vendor_id": "8086", "product_id": "154c", "device_type": "type-VF"},
    {"name": "whole", "vendor_id": "8086", "product_id": "1572", "device_type": "type-PF"},
    {"name": "plain", "vendor_id": "8086", "product_id": "154c", "numa_policy": "preferred"},
)
IMAGE = ImageProperties()
STEPS = 60


@pytest.fixture(autouse=True)
def _with_aliases() -> Iterator[None]:
    with override_settings(OPTIONS=dataclasses.replace(settings.OPTIONS, pci_alias=ALIASES)):
        yield


class World:
    """Hosts made by chance, and servers that come, move and go."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.servers: list[Instance] = []
        self.moves: list[Migration] = []
        self.bound = self.refused = 0
        for number in range(3):
            make_bound_host(f"host{number}", self.hardware())

    def hardware(self) -> dict[str, Any]:
        threads = self.chance.choice((1, 2))
        all_for_both = self.chance.random() < 0.3
        cells, first = [], 0
        for number in range(self.chance.choice((1, 2, 4))):
            cpus = list(range(first, first + 8))
            first += 8
            cores = [cpus[at : at + threads] for at in range(0, len(cpus), threads)]
            cell = {"id": number, "socket": number // 2, "memory_mb": 4096, "siblings": cores}
            cell["shared_cpus"] = cpus if all_for_both else cpus[:2]
            cell["dedicated_cpus"] = cpus if all_for_both else cpus[2:]
            if self.chance.random() < 0.7:
                cell["pages"] = [
                    {"size_kb": 4, "total": 512 << 10},
                    {"size_kb": 2048, "total": 1024},
                ]
                cell["memory_reserved_mb"] = self.chance.choice((0, 256))
            cells.append(cell)
        near = self.chance.randrange(len(cells))
        devices = [
            *make_nic(1, numa_node=near),
            *make_nic(2, functions=3),
            make_device(3, numa_node=0),
            make_device(4),
        ]
        return {"cells": cells, "devices": devices}

    def spec(self, server: Instance) -> RequestSpec:
        """What the server asks for; what no flavor may ask for is drawn again."""
        while True:
            flavor = FlavorHardware(
                vcpus=self.chance.choice((1, 2, 3, 4, 6)),
                memory_mb=self.chance.choice((256, 512, 1024)),
                extra_specs=self.extra_specs(),
            )
            try:
                numa = plan_numa(flavor, IMAGE)
                policy = choose_pci_numa_policy(flavor, IMAGE)
                pci = plan_pci_requests(flavor, ALIASES, numa_policy=policy)
            except Fault:
                continue
            sizes = {"vcpus": flavor.vcpus, "memory_mb": flavor.memory_mb, "root_gb": 1}
            fields = {
                "flavor": {**sizes, "extra_specs": flavor.extra_specs},
                "numa_topology": numa.as_json() if numa else None,
                "pci_requests": [request.as_json() for request in pci],
            }
            return RequestSpec.objects.update_or_create(instance=server, defaults=fields)[0]

    def extra_specs(self) -> dict[str, str]:
        draws = {
            "hw:cpu_policy": (None, "shared", "dedicated", "dedicated", "mixed"),
            "hw:cpu_dedicated_mask": (None, "0", "0-1"),
            "hw:cpu_thread_policy": (None, None, "prefer", "require", "isolate"),
            "hw:emulator_threads_policy": (None, None, "isolate", "share"),
            "hw:numa_nodes": (None, None, "1", "2"),
            "hw:mem_page_size": (None, None, "small", "large", "any", "2048"),
            "pci_passthrough:alias": (None, "function:1", "function:2", "whole:1", "plain:1"),
            "hw:pci_numa_affinity_policy": (None, None, "required", "socket", "preferred"),
        }
        drawn = {key: self.chance.choice(words) for key, words in draws.items()}
        return {key: word for key, word in drawn.items() if word is not None}

    def step(self) -> None:
        act = self.chance.choices(
            (self.come, self.go, self.move, self.end_move), weights=(6, 2, 2, 2)
        )[0]
        act()
        assert_hardware_adds_up()

    def come(self) -> None:
        server = make_instance()
        placement = self.place(self.spec(server))
        if placement is not None:
            claims.claim_places({server.pk: placement})
            self.servers.append(server)

    def place(self, spec: RequestSpec) -> Placement | None:
        """Checked against the host as it is before the claim."""
        try:
            with transaction.atomic():
                [placement] = find_hosts(spec)
        except NoValidHost:
            self.refused += 1
            return None
        demand = GuestDemand.from_json(
            numa_topology=spec.numa_topology, pci_requests=spec.pci_requests
        )
        if placement.guest is not None:
            self.bound += 1
            [(host, _)] = read_topologies([placement.host.node_id]).values()
            check_placement(host, demand, placement.guest)
        assert bool(placement.guest) == bool(demand.numa or demand.devices)
        return placement

    def go(self) -> None:
        if self.servers:
            gone = self.servers.pop(self.chance.randrange(len(self.servers)))
            self.moves = [move for move in self.moves if move.instance_id != gone.pk]
            for _ in range(2):  # the second time gives back nothing
                claims.release([gone.pk])

    def move(self) -> None:
        moving = {move.instance_id for move in self.moves}
        still = [server for server in self.servers if server.pk not in moving]
        if not still:
            return
        server = self.chance.choice(still)
        placement = self.place(self.spec(server))
        if placement is None:
            return
        owner = {"project_id": ALPHA, "user_id": Cast.member.user_id}
        move = Migration.objects.create(
            instance=server,
            migration_type=MigrationType.RESIZE,
            old_flavor=server.flavor,
            new_flavor=server.flavor,
            status="finished",
            **owner,
        )
        claims.claim_move(placement, move)
        self.moves.append(move)

    def end_move(self) -> None:
        if self.moves:
            move = self.moves.pop(self.chance.randrange(len(self.moves)))
            self.chance.choice((claims.stay, claims.leave))(move)
            Migration.objects.filter(pk=move.pk).update(status="confirmed")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_given_twice_and_all_comes_back(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    assert_hosts_add_up()
    assert min(world.bound, world.refused) > STEPS // 10
    claims.release([server.pk for server in world.servers])
    assert not HardwareClaim.objects.exists()
    assert not PciDevice.objects.exclude(consumer=None).exists()
    assert_hosts_add_up()

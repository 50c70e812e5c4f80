"""A cloud file describes hosts wholly: cells, devices, providers, inventories, traits and more."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud
from servers.models import (
    ComputeNode,
    Consumer,
    HardwareClaim,
    HostHardware,
    Inventory,
    PciDevice,
    ProviderTrait,
    ResourceProvider,
    Service,
)
from servers.placement.fit import GuestPlacement, PlacedCell
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import hold, set_inventory

pytestmark = pytest.mark.django_db

CARD = "0000:3b:00.1"
HOST: dict[str, Any] = {
    "name": "h1",
    "local_gb": 100,
    "hypervisor_type": "QEMU",
    "hypervisor_version": "8.2.1",
    "supported_instances": [["x86_64", "kvm", "hvm"]],
    "cpu_info": {"model": "EPYC"},
    "host_ip": "192.0.2.7",
    "traits": ["HW_CPU_X86_AVX2", "CUSTOM_FAST"],
    "inventories": {
        "MEMORY_MB": {"reserved": 512, "allocation_ratio": 1.5},
        "CUSTOM_LICENSE": {"total": 8, "min_unit": 2, "max_unit": 4, "step_size": 2},
    },
    "providers": [
        {
            "name": "h1:gpus",
            "providers": [
                {
                    "name": "h1:gpu0",
                    "inventories": {"VGPU": {"total": 16}},
                    "traits": ["CUSTOM_GPU_A"],
                }
            ],
        }
    ],
    "hardware": {
        "cells": [
            {
                "id": 0,
                "shared_cpus": "0-1",
                "dedicated_cpus": "2-7",
                "siblings": ["0,1", "2,3", "4,5", "6,7"],
                "memory_mb": 8192,
                "pages": [{"size_kb": 4, "total": 1048576}, {"size_kb": 2048, "total": 2048}],
            },
            {"id": 1, "shared_cpus": [8, 9], "memory_mb": 4096},
        ],
        "devices": [
            {
                "address": CARD,
                "vendor_id": "8086",
                "product_id": "154c",
                "dev_type": "type-VF",
                "numa_node": 0,
                "physical_network": "physnet0",
            },
        ],
    },
}
OTHER: dict[str, Any] = {"name": "h2", "vcpus": 4, "memory_mb": 4096, "local_gb": 50}


def changed(**values: Any) -> dict[str, Any]:
    """The host with other values; those that are ``None`` are left out."""
    host = {**copy.deepcopy(HOST), **values}
    return {key: value for key, value in host.items() if value is not None}


def load(*hosts: dict[str, Any]) -> None:
    load_cloud({"cells": [{"name": "cell2"}], "hosts": list(hosts)})


def state() -> list[Any]:
    """Everything that a load might change, but for keys of rows."""
    return [
        sorted(Service.objects.values_list("host", "disabled", "cell__name")),
        sorted(ComputeNode.objects.values_list("hypervisor_hostname", "driver", "vcpus")),
        sorted(ResourceProvider.objects.values_list("name", "generation", "parent__name")),
        sorted(Inventory.objects.values_list("provider__name", "resource_class", "total", "used")),
        sorted(ProviderTrait.objects.values_list("provider__name", "trait")),
        sorted(PciDevice.objects.values_list("address", "numa_node", "description__tags__a")),
        list(HostHardware.objects.order_by("node").values_list("numa_topology", "cpu_info")),
    ]


def inventory(name: str, kind: str) -> tuple[Any, ...]:
    names = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
    rows = Inventory.objects.values_list(*names)
    return tuple(rows.get(provider__name=name, resource_class=kind))


def test_a_host_is_what_the_file_says() -> None:
    load(HOST)
    node = ComputeNode.objects.get()
    assert (node.vcpus, node.memory_mb, node.local_gb) == (10, 12288, 100)
    assert inventory("h1", "VCPU") == (4, 0, 1, 4, 1, 4.0)
    assert inventory("h1", "PCPU") == (6, 0, 1, 6, 1, 1.0)
    assert inventory("h1", "MEMORY_MB") == (12288, 512, 1, 12288, 1, 1.5)
    assert inventory("h1", "CUSTOM_LICENSE") == (8, 0, 2, 4, 2, 1.0)
    assert inventory("h1:gpu0", "VGPU") == (16, 0, 1, 16, 1, 1.0)
    leaf = ResourceProvider.objects.values_list("parent__name", "root__name").get(name="h1:gpu0")
    assert leaf == ("h1:gpus", "h1")
    traits = set(ProviderTrait.objects.filter(provider__node=node).values_list("trait", flat=True))
    assert traits > {"HW_CPU_X86_AVX2", "CUSTOM_FAST", "COMPUTE_NODE"}
    hardware = HostHardware.objects.get()
    assert (hardware.hypervisor_type, hardware.hypervisor_version) == ("QEMU", 8_002_001)
    assert hardware.supported_instances == [["x86_64", "kvm", "hvm"]]
    assert (hardware.cpu_info, hardware.host_ip) == ({"model": "EPYC"}, "192.0.2.7")
    cells = (hardware.numa_topology or {})["cells"]
    assert [cell["shared_cpus"] for cell in cells] == [[0, 1], [8, 9]]
    device = PciDevice.objects.get()
    assert (device.address, device.numa_node, device.physical_network) == (CARD, 0, "physnet0")


def test_loading_it_again_changes_nothing() -> None:
    load(HOST, OTHER)
    before = state()
    load(HOST, OTHER)
    assert state() == before


def test_loading_it_again_writes_nothing(statements: Any) -> None:
    load(HOST, OTHER)
    with statements() as seen:
        load(HOST, OTHER)
    written = [query["sql"] for query in seen if query["sql"].startswith(("UPDATE", "DELETE"))]
    assert written == [sql for sql in written if "servers_cell" in sql]
    inserted = [query["sql"] for query in seen if query["sql"].startswith("INSERT")]
    tables = ("computenode", "resourceprovider", "inventory", "providertrait", "hosthardware")
    assert [sql for sql in inserted if any(f'"servers_{name}"' in sql for name in tables)] == []


def test_the_api_shows_the_hypervisor_as_described(as_admin: ApiClient) -> None:
    load(HOST)
    shown = as_admin.get("/os-hypervisors/detail", microversion="2.53").expect(200)
    [hypervisor] = shown.json["hypervisors"]
    assert hypervisor["hypervisor_type"] == "QEMU"
    assert hypervisor["hypervisor_version"] == 8_002_001
    assert hypervisor["host_ip"] == "192.0.2.7"
    assert hypervisor["cpu_info"] == {"model": "EPYC"}
    assert (hypervisor["vcpus"], hypervisor["memory_mb"]) == (10, 12288)


def test_what_the_file_does_not_say_of_an_inventory_stays() -> None:
    load(OTHER)
    node = ComputeNode.objects.get()
    set_inventory(node, {"VCPU": 2.0}, "allocation_ratio")
    set_inventory(node, {"VCPU": 1}, "reserved")
    load(OTHER | {"vcpus": 8})
    assert inventory("h2", "VCPU") == (8, 1, 1, 8, 1, 2.0)
    assert inventory("h2", "MEMORY_MB") == (4096, 0, 1, 4096, 1, 1.0)


def test_inventories_and_traits_that_a_list_leaves_out_are_gone() -> None:
    load(HOST)
    load(changed(inventories={}, traits=[]))
    kinds = Inventory.objects.filter(provider__name="h1").values_list("resource_class", flat=True)
    assert sorted(kinds) == ["DISK_GB", "MEMORY_MB", "PCPU", "VCPU"]
    assert not ProviderTrait.objects.filter(trait="CUSTOM_FAST").exists()
    assert ProviderTrait.objects.filter(trait="COMPUTE_NODE").exists()
    assert inventory("h1:gpu0", "VGPU")[0] == 16


def test_without_these_lists_they_stay() -> None:
    load(HOST)
    load(changed(inventories=None, traits=None, providers=None))
    assert inventory("h1", "CUSTOM_LICENSE")[0] == 8
    assert inventory("h1", "MEMORY_MB")[1] == 512
    assert ProviderTrait.objects.filter(trait="CUSTOM_FAST").exists()
    assert ResourceProvider.objects.filter(name="h1:gpu0").exists()


def test_a_host_without_dedicated_cpus_has_no_inventory_of_them_any_more() -> None:
    load(HOST)
    cells = [{"id": 0, "shared_cpus": "0-7", "memory_mb": 8192}]
    load(changed(hardware={"cells": cells}, inventories=None))
    assert inventory("h1", "VCPU")[0] == 8
    assert not Inventory.objects.filter(resource_class="PCPU").exists()
    assert not PciDevice.objects.exists()


def test_those_who_have_read_a_host_learn_that_its_hardware_is_another() -> None:
    load(HOST)
    before = ResourceProvider.objects.get(name="h1").generation
    hardware = copy.deepcopy(HOST["hardware"])
    hardware["devices"][0]["numa_node"] = 1
    load(changed(hardware=hardware))
    assert ResourceProvider.objects.get(name="h1").generation == before + 1


def without_cell(index: int) -> dict[str, Any]:
    cells = [cell for number, cell in enumerate(HOST["hardware"]["cells"]) if number != index]
    return {"cells": cells, "devices": HOST["hardware"]["devices"] if index else []}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"vcpus": 9}, "hosts[0] (h1), key vcpus: the cells of the hardware have 4"),
    ({"hardware": None}, "hosts[0] (h1), key vcpus: is required"),
    ({"inventories": {"VCPU": {"total": 9}}}, "key inventories: class VCPU: key total: is 4"),
    ({"inventories": {"GPU": {"total": 9}}}, "key inventories: class GPU: 'GPU' is no resource"),
    ({"inventories": {"VGPU": {}}}, "key inventories: class VGPU: key total: is required"),
    ({"inventories": {"VGPU": {"total": 0}}}, "class VGPU: key total: give a whole number from 1"),
    ({"inventories": {"VGPU": {"total": 2, "allocation_ratio": 0}}}, "key allocation_ratio: give"),
    ({"inventories": {"VGPU": {"total": 2, "reserved": 3}}}, "class VGPU: key reserved: 3 of 2"),
    ({"inventories": {"VGPU": {"total": 2, "min_unit": 3, "max_unit": 2}}}, "VGPU: key max_unit"),
    ({"inventories": {"VGPU": {"totl": 2}}}, "class VGPU: key totl: is not known"),
    ({"traits": ["FAST"]}, "key traits: item 0: 'FAST' is no trait"),
    ({"hypervisor_version": "new"}, "key hypervisor_version: give a version"),
    ({"supported_instances": [["x86_64", "kvm"]]}, "key supported_instances: item 0: give"),
    ({"supported_instances": [["x86-64", "kvm", "hvm"]]}, "item 0: give one of alpha, armv6"),
    ({"host_ip": "here"}, "key host_ip: give an IP address"),
    ({"hypervisor_hostname": "n" * 201}, "key hypervisor_hostname: 201 characters"),
    ({"name": "n" * 201}, "key hypervisor_hostname: is the name where it is missing"),
    ({"providers": [{"inventories": {}}]}, "key providers: item 0: key name: is required"),
    ({"providers": [{"name": "h2"}]}, "key providers: Another resource provider has the name h2"),
    ({"hypervisor_hostname": "h2"}, "key hypervisor_hostname: h2 is the name of hosts[1]"),
    ({"cell": "cell9"}, "key cell: no cell cell9"),
    ({"cell": "cell2"}, "key cell: it has servers, and stays in its cell"),
    ({"hardware": {"cells": [{"id": 0}]}}, "key hardware: key cells: item 0: key memory_mb"),
    ({"hardware": {"devices": [{"address": "x"}]}}, "key devices: item 0: key address: give an"),
    ({"hardware": without_cell(0)}, "hosts[0] (h1), key inventories: Servers hold 2 PCPU of h1"),
    (
        {"hardware": {**HOST["hardware"], "devices": []}},
        f"key hardware: A server has the PCI device {CARD}",
    ),
    (
        {
            "hardware": {
                **HOST["hardware"],
                "cells": [
                    {**HOST["hardware"]["cells"][0], "dedicated_cpus": "4-9", "shared_cpus": "2-3"},
                    {"id": 1, "shared_cpus": "10-11", "memory_mb": 4096},
                ],
            }
        },
        "key hardware: Servers lie on the host, and would not any more: The dedicated CPUs 2-3",
    ),
    (
        {"inventories": {**HOST["inventories"], "MEMORY_MB": {"reserved": 12000}}},
        "key inventories: Servers hold 512 MEMORY_MB of h1, which shall give 432 at most",
    ),
    ({"inventories": {}}, "key inventories: Servers hold 2 CUSTOM_LICENSE of h1"),
    (
        {"providers": [{"name": "h1:gpus", "providers": [{"name": "h1:gpu0", "inventories": {}}]}]},
        "key inventories: Servers hold 1 VGPU of h1:gpu0, which shall have none any more",
    ),
    ({"hypervisor_hostname": "other"}, "key hypervisor_hostname: The node h1 has servers"),
]


@pytest.fixture
def lived_in(cast: Cast) -> None:
    """The host, with a server that holds something of all that it has."""
    load(HOST, OTHER)
    node = ComputeNode.objects.get(hypervisor_hostname="h1")
    server = make_instance(host="h1", node="h1")
    hold(server, node, VCPU=0, PCPU=2, CUSTOM_LICENSE=2)
    consumer = Consumer.objects.get(instance=server)
    gpu = ResourceProvider.objects.get(name="h1:gpu0")
    consumer.allocations.create(provider=gpu, resource_class="VGPU", amount=1)
    gpu.inventories.update(used=1)
    cell = PlacedCell(
        id=0,
        host_cell=0,
        cpus=frozenset(),
        pinning={0: 2, 1: 3},
        cpu_policy="dedicated",
        thread_policy=None,
        memory_mb=512,
        page_size=None,
        counted_page_size=4,
    )
    placement = GuestPlacement(cells=(cell,)).as_json()
    HardwareClaim.objects.create(consumer=consumer, node=node, placement=placement)
    PciDevice.objects.update(consumer=consumer)


@pytest.mark.usefixtures("lived_in")
def test_a_bad_host_is_refused_by_name_and_key_and_nothing_changes() -> None:
    before = state()
    for values, told in BAD:
        with pytest.raises(CloudFileError) as caught:
            load(changed(**values), OTHER)
        assert told in str(caught.value)
        assert str(caught.value).startswith("hosts[0]")
        assert state() == before, told


@pytest.mark.usefixtures("lived_in")
def test_a_smaller_ratio_takes_nothing_from_servers() -> None:
    load(changed(inventories={**HOST["inventories"], "MEMORY_MB": {"allocation_ratio": 0.01}}))
    stock = Inventory.objects.get(provider__name="h1", resource_class="MEMORY_MB")
    assert stock.used == 512
    assert stock.free < 0


@pytest.mark.usefixtures("lived_in")
def test_a_host_with_servers_grows() -> None:
    cells = copy.deepcopy(HOST["hardware"]["cells"])
    cells[0]["dedicated_cpus"] = "2-7,16-17"
    load(changed(hardware={**HOST["hardware"], "cells": cells}))
    assert inventory("h1", "PCPU")[:4] == (8, 0, 1, 8)
    assert Inventory.objects.get(provider__name="h1", resource_class="PCPU").used == 2

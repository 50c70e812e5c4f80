"""What older microversions ask of hypervisors: search, servers, uptime, statistics."""

from __future__ import annotations

import pytest

from servers.models import ComputeNode
from servers.models.states import TaskState
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import make_host

TAKEN = {"vcpus_used": 1, "memory_mb_used": 512, "local_gb_used": 20, "running_vms": 1}


@pytest.fixture
def node(cast: object) -> ComputeNode:
    make_host("other")
    return make_host("host1", hypervisor_hostname="one.example")


@pytest.mark.usefixtures("node")
def test_a_name_is_searched_for_until_2_52(as_admin: ApiClient) -> None:
    found = as_admin.get("/os-hypervisors/example/search", microversion="2.52").expect(200).json
    assert [shown["hypervisor_hostname"] for shown in found["hypervisors"]] == ["one.example"]
    assert set(found["hypervisors"][0]) == {"id", "hypervisor_hostname", "state", "status"}
    as_admin.get("/os-hypervisors/nosuch/search", microversion="2.52").expect(404)
    as_admin.get("/os-hypervisors/example/search", microversion="2.53").expect(404)


@pytest.mark.usefixtures("node")
def test_servers_are_searched_for_until_2_52(as_admin: ApiClient) -> None:
    server = make_instance(host="host1")
    found = as_admin.get("/os-hypervisors/e/servers", microversion="2.52").expect(200).json
    guests = {shown["hypervisor_hostname"]: shown.get("servers") for shown in found["hypervisors"]}
    assert guests == {
        "one.example": [{"uuid": str(server.uuid), "name": server.instance_name}],
        "other": None,
    }
    as_admin.get("/os-hypervisors/nosuch/servers", microversion="2.52").expect(404)
    as_admin.get("/os-hypervisors/e/servers", microversion="2.53").expect(404)


def test_the_uptime_has_its_own_url_until_2_87(as_admin: ApiClient, node: ComputeNode) -> None:
    old = as_admin.get(f"/os-hypervisors/{node.pk}/uptime", microversion="2.52").expect(200).json
    new = as_admin.get(f"/os-hypervisors/{node.uuid}/uptime", microversion="2.87").expect(200).json
    assert set(old["hypervisor"]) == set(new["hypervisor"])
    assert set(new["hypervisor"]) == {
        "id",
        "hypervisor_hostname",
        "state",
        "status",
        "uptime",
    }
    assert " up 0 days" in new["hypervisor"]["uptime"]
    as_admin.get(f"/os-hypervisors/{node.uuid}/uptime", microversion="2.88").expect(404)


@pytest.mark.parametrize(
    ("values", "status"),
    [({"forced_down": True}, 400), ({"driver": "libvirt", "last_seen_up": None}, 400)],
)
def test_a_host_that_is_down_tells_no_uptime(
    as_admin: ApiClient, values: dict[str, object], status: int
) -> None:
    node = make_host("host1", **values)
    as_admin.get(f"/os-hypervisors/{node.pk}/uptime").expect(status)


def test_statistics_sum_the_enabled_hosts_until_2_87(as_admin: ApiClient) -> None:
    for name in ("host1", "host2"):
        make_host(name, vcpus=8, **TAKEN)
    make_host("host3", disabled=True)
    make_instance(host="host1", task_state=TaskState.REBOOTING)
    make_instance(host="host3", task_state=TaskState.REBOOTING)
    answer = as_admin.get("/os-hypervisors/statistics", microversion="2.87").expect(200)
    assert answer.json == {
        "hypervisor_statistics": {
            "count": 2,
            "vcpus": 16,
            "vcpus_used": 2,
            "memory_mb": 65536,
            "memory_mb_used": 1024,
            "free_ram_mb": 64512,
            "local_gb": 2000,
            "local_gb_used": 40,
            "free_disk_gb": 1960,
            "disk_available_least": 1960,
            "current_workload": 1,
            "running_vms": 2,
        }
    }
    as_admin.get("/os-hypervisors/statistics", microversion="2.88").expect(404)


def test_without_hosts_everything_is_zero(as_admin: ApiClient) -> None:
    statistics = as_admin.get("/os-hypervisors/statistics").json["hypervisor_statistics"]
    assert set(statistics.values()) == {0}

"""``/os-hypervisors``, ``/detail`` and one of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from servers.drivers.abilities import FAKE
from servers.models import ComputeNode
from servers.models.states import TaskState, VmState
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import make_host

TAKEN = {"vcpus_used": 1, "memory_mb_used": 512, "local_gb_used": 20, "running_vms": 1}

URL = "http://testserver/compute/v2.1/os-hypervisors"
PATHS = ("/os-hypervisors", "/os-hypervisors/detail")


def names(answer: Answer) -> list[str]:
    listed = answer.expect(200).json["hypervisors"]
    return [hypervisor["hypervisor_hostname"] for hypervisor in listed]


@pytest.fixture
def nodes(cast: object) -> list[ComputeNode]:
    return [
        make_host("b-host", hypervisor_hostname="b.example"),
        make_host("a-host", hypervisor_hostname="a.example", disabled=True),
        make_host("c-host", hypervisor_hostname="c.other", forced_down=True),
    ]


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_sees_hypervisors(
    client: str, request: pytest.FixtureRequest, nodes: list[ComputeNode]
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    for path in (
        "",
        "/detail",
        "/statistics",
        f"/{nodes[0].pk}",
        f"/{nodes[0].pk}/uptime",
        "/b/search",
        "/b/servers",
    ):
        caller.get(f"/os-hypervisors{path}").expect(403)


def test_the_short_list_tells_state_and_status(
    as_admin: ApiClient, nodes: list[ComputeNode]
) -> None:
    states = [("up", "enabled"), ("up", "disabled"), ("down", "enabled")]
    for microversion, ids in (
        ("2.1", [node.pk for node in nodes]),
        ("2.52", [node.pk for node in nodes]),
        ("2.53", [str(node.uuid) for node in nodes]),
    ):
        listed = as_admin.get("/os-hypervisors", microversion=microversion).expect(200).json
        assert listed == {
            "hypervisors": [
                {
                    "id": identifier,
                    "hypervisor_hostname": node.hypervisor_hostname,
                    "state": state,
                    "status": status,
                }
                for node, identifier, (state, status) in zip(nodes, ids, states, strict=True)
            ]
        }


def test_a_hypervisor_is_shown_in_full(as_admin: ApiClient) -> None:
    node = make_host("host1", hypervisor_hostname="one.example", vcpus=8, **TAKEN)
    make_instance(host="host1", vm_state=VmState.ACTIVE, task_state=TaskState.REBOOTING)
    make_instance(host="host1")
    resources = {
        "vcpus": 8,
        "vcpus_used": 1,
        "memory_mb": 32768,
        "memory_mb_used": 512,
        "free_ram_mb": 32256,
        "local_gb": 1000,
        "local_gb_used": 20,
        "free_disk_gb": 980,
        "disk_available_least": 980,
        "current_workload": 1,
        "running_vms": 1,
    }
    same = {
        "hypervisor_hostname": "one.example",
        "state": "up",
        "status": "enabled",
        "hypervisor_type": "fake",
        "hypervisor_version": 1000,
        "host_ip": None,
    }
    service = {"host": "host1", "disabled_reason": None}
    old = {"id": node.pk, "service": service | {"id": node.service.pk}}
    new = {"id": str(node.uuid), "service": service | {"id": str(node.service.uuid)}}
    for microversion, expected in (
        ("2.27", same | old | resources | {"cpu_info": json.dumps(node.hardware.cpu_info)}),
        ("2.28", same | old | resources | {"cpu_info": FAKE.cpu_info}),
        ("2.53", same | new | resources | {"cpu_info": FAKE.cpu_info}),
        ("2.87", same | new | resources | {"cpu_info": FAKE.cpu_info}),
    ):
        one = as_admin.get(f"/os-hypervisors/{expected['id']}", microversion=microversion)
        assert one.expect(200).json == {"hypervisor": expected}
        listed = as_admin.get("/os-hypervisors/detail", microversion=microversion)
        assert listed.expect(200).json == {"hypervisors": [expected]}
    newest = as_admin.get(f"/os-hypervisors/{node.uuid}", microversion="2.88").json["hypervisor"]
    assert " up 0 days" in newest.pop("uptime")
    assert newest == same | new


def test_the_uptime_of_a_host_that_is_down_is_unknown(as_admin: ApiClient) -> None:
    node = make_host("host1", forced_down=True)
    shown = as_admin.get(f"/os-hypervisors/{node.uuid}", microversion="2.88").json["hypervisor"]
    assert shown["uptime"] is None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("microversion", "asked"),
    [
        ("2.32", ("limit=1", ["b.example", "a.example", "c.other"])),
        ("2.33", ("limit=1", ["b.example"])),
        ("2.33", ("limit=0", [])),
        ("2.33", ("limit=1&limit=2", ["b.example", "a.example"])),
        ("2.33", ("limit=1&marker={id}", ["a.example"])),
        ("2.33", ("nosuch=1&marker={id}", ["a.example", "c.other"])),
        ("2.53", ("limit=1&marker={uuid}", ["a.example"])),
        ("2.53", ("hypervisor_hostname_pattern=example", ["b.example", "a.example"])),
        ("2.53", ("hypervisor_hostname_pattern=c.", ["c.other"])),
    ],
)
def test_pages_and_patterns(
    as_admin: ApiClient, nodes: list[ComputeNode], path: str, microversion: str, asked: Any
) -> None:
    query, expected = asked
    filled = query.format(id=nodes[0].pk, uuid=nodes[0].uuid)
    assert names(as_admin.get(f"{path}?{filled}", microversion=microversion)) == expected


@pytest.mark.parametrize(
    ("microversion", "query", "status"),
    [
        ("2.33", "limit=-1", 400),
        ("2.33", "marker=word", 400),
        ("2.33", "marker=99999999", 400),
        ("2.53", "marker=1", 400),
        ("2.53", "marker=00000000-0000-4000-8000-00000000ffff", 400),
        ("2.53", "limit=1&limit=1", 400),
        ("2.53", "nosuch=1", 400),
        ("2.53", "with_servers=maybe", 400),
        ("2.53", "hypervisor_hostname_pattern=a b", 400),
        ("2.53", "hypervisor_hostname_pattern=b&limit=1", 400),
        ("2.53", "hypervisor_hostname_pattern=nosuch", 404),
        ("2.53", "hypervisor_hostname_pattern=_", 404),
    ],
)
@pytest.mark.usefixtures("nodes")
def test_what_cannot_be_found_or_understood(
    as_admin: ApiClient, microversion: str, query: str, status: int
) -> None:
    as_admin.get(f"/os-hypervisors?{query}", microversion=microversion).expect(status)


def test_a_full_page_links_to_the_next(as_admin: ApiClient, nodes: list[ComputeNode]) -> None:
    old = as_admin.get("/os-hypervisors?limit=2&nosuch=1", microversion="2.33").json
    new = as_admin.get("/os-hypervisors/detail?limit=2", microversion="2.53").json
    whole = as_admin.get("/os-hypervisors?limit=9", microversion="2.53").json
    marker = nodes[1]
    assert old["hypervisors_links"] == [
        {"rel": "next", "href": f"{URL}?limit=2&marker={marker.pk}"}
    ]
    assert new["hypervisors_links"] == [
        {"rel": "next", "href": f"{URL}/detail?limit=2&marker={marker.uuid}"}
    ]
    assert "hypervisors_links" not in whole


def test_servers_are_shown_to_one_who_asks(as_admin: ApiClient) -> None:
    busy, idle = make_host("busy"), make_host("idle")
    server = make_instance(host="busy")
    make_instance(host="busy", vm_state=VmState.DELETED, deleted_at=timezone.now())
    guest = {"uuid": str(server.uuid), "name": server.instance_name}
    for microversion, of_busy, of_idle in (
        ("2.53", [guest], None),
        ("2.74", [guest], None),
        ("2.75", [guest], []),
    ):
        listed = as_admin.get("/os-hypervisors?with_servers=true", microversion=microversion).json
        assert [shown.get("servers") for shown in listed["hypervisors"]] == [of_busy, of_idle]
        for node, expected in ((busy, of_busy), (idle, of_idle)):
            url = f"/os-hypervisors/{node.uuid}?with_servers=1"
            shown = as_admin.get(url, microversion=microversion).json["hypervisor"]
            assert shown.get("servers") == expected
    plain = as_admin.get("/os-hypervisors", microversion="2.75").json["hypervisors"]
    assert all("servers" not in shown for shown in plain)


@pytest.mark.parametrize(
    ("microversion", "hypervisor_id", "status"),
    [
        ("2.52", "word", 404),
        ("2.52", "99999999", 404),
        ("2.53", "1", 400),
        ("2.53", "00000000-0000-4000-8000-00000000ffff", 404),
    ],
)
def test_an_id_that_names_nothing(
    as_admin: ApiClient, microversion: str, hypervisor_id: str, status: int
) -> None:
    url = f"/os-hypervisors/{hypervisor_id}"
    as_admin.get(url, microversion=microversion).expect(status)
    as_admin.get(f"{url}/uptime", microversion=microversion).expect(status)


@pytest.mark.usefixtures("nodes")
@pytest.mark.parametrize("path", ["", "/detail", "?with_servers=1", "/detail?with_servers=1"])
def test_a_list_costs_the_same_however_long_it_is(
    as_admin: ApiClient, statements: Callable[[], Any], path: str
) -> None:
    url = f"/os-hypervisors{path}"
    as_admin.get(url, microversion="2.53").expect(200)
    with statements() as few:
        as_admin.get(url, microversion="2.53")
    for number in range(4):
        make_instance(host=make_host(f"more{number}").service.host)
    with statements() as many:
        as_admin.get(url, microversion="2.53")
    assert len(few) == len(many)

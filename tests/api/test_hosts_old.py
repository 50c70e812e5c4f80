"""``/os-hosts``, until 2.42."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers.models import Service
from tests.world.cast import ALPHA, BETA
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_instance
from tests.world.hosts import make_host, make_zone


@pytest.fixture
def hosts(cast: object) -> None:
    make_zone("zone-a", make_host("host1"))
    make_host("host2")
    make_host("host3", disabled=True)


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["host1", "host2", "conductor", "scheduler"]),
        ("?zone=zone-a", ["host1"]),
        ("?zone=internal", ["conductor", "scheduler"]),
        ("?zone=nosuch", []),
        ("?zone=zone-a&zone=nova", ["host2"]),
        ("?nosuch=1", ["host1", "host2", "conductor", "scheduler"]),
    ],
)
def test_enabled_services_are_listed(as_admin: ApiClient, query: str, expected: list[str]) -> None:
    listed = as_admin.get(f"/os-hosts{query}", microversion="2.42").expect(200).json["hosts"]
    assert [host["host_name"] for host in listed] == expected


@pytest.mark.usefixtures("hosts")
def test_a_host_is_listed_with_service_and_zone(as_admin: ApiClient) -> None:
    assert as_admin.get("/os-hosts?zone=zone-a").json == {
        "hosts": [{"host_name": "host1", "service": "compute", "zone": "zone-a"}]
    }


@pytest.mark.usefixtures("hosts")
def test_hosts_went_away_with_2_43(as_admin: ApiClient) -> None:
    for url in ("/os-hosts", "/os-hosts/host1", "/os-hosts/host1/reboot"):
        as_admin.get(url, microversion="2.43").expect(404)
    as_admin.put("/os-hosts/host1", {"status": "disable"}, microversion="2.43").expect(404)
    assert not Service.objects.get(host="host1").disabled


@pytest.mark.usefixtures("hosts")
def test_the_resources_of_a_host_by_project(as_admin: ApiClient) -> None:
    large = make_flavor(vcpus=4, memory_mb=2048, root_gb=10, ephemeral_gb=5)
    for project in (ALPHA, BETA, BETA):
        make_instance(host="host1", project_id=project, flavor_record=large)
    make_instance(host="host2")
    rows = as_admin.get("/os-hosts/host1").expect(200).json["host"]
    assert [tuple(row["resource"].values()) for row in rows] == [
        ("host1", "(total)", 16, 32768, 1000),
        ("host1", "(used_now)", 0, 0, 0),
        ("host1", "(used_max)", 12, 6144, 45),
        ("host1", ALPHA, 4, 2048, 15),
        ("host1", BETA, 8, 4096, 30),
    ]
    assert set(rows[0]["resource"]) == {"host", "project", "cpu", "memory_mb", "disk_gb"}


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("word", "status"), [("disable", "disabled"), ("ENABLE", "enabled"), ("Disable", "disabled")]
)
def test_a_host_can_be_enabled_and_disabled(as_admin: ApiClient, word: str, status: str) -> None:
    answer = as_admin.put("/os-hosts/host1", {"status": word}).expect(200)
    assert answer.json == {"host": "host1", "status": status}
    assert Service.objects.get(host="host1").disabled is (status == "disabled")


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400),
        ({"status": "off"}, 400),
        ({"status": "disable", "nosuch": 1}, 400),
        ({"maintenance_mode": "enable"}, 501),
        ({"status": "disable", "maintenance_mode": "enable"}, 501),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    as_admin: ApiClient, sent: dict[str, Any], status: int
) -> None:
    as_admin.put("/os-hosts/host1", sent).expect(status)
    assert not Service.objects.get(host="host1").disabled


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize("what", ["reboot", "shutdown", "startup"])
def test_no_driver_switches_the_power_of_a_host(as_admin: ApiClient, what: str) -> None:
    assert as_admin.get(f"/os-hosts/host1/{what}").expect(501).fault == "notImplemented"
    as_admin.get(f"/os-hosts/nosuch/{what}").expect(404)


@pytest.mark.parametrize("name", ["nosuch", "conductor"])
def test_a_host_that_runs_no_servers_is_not_found(as_admin: ApiClient, name: str) -> None:
    as_admin.get(f"/os-hosts/{name}").expect(404)
    as_admin.put(f"/os-hosts/{name}", {"status": "disable"}).expect(404)


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_deals_with_hosts(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    for path in ("", "/host1", "/host1/reboot", "/host1/shutdown", "/host1/startup"):
        caller.get(f"/os-hosts{path}").expect(403)
    caller.put("/os-hosts/host1", {"status": "disable"}).expect(403)
    assert not Service.objects.get(host="host1").disabled


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize("path", ["/os-hosts", "/os-hosts/host1"])
def test_a_list_costs_the_same_however_long_it_is(
    as_admin: ApiClient, statements: Callable[[], Any], path: str
) -> None:
    as_admin.get(path).expect(200)
    with statements() as few:
        as_admin.get(path)
    for number in range(4):
        make_host(f"more{number}")
        make_instance(host="host1")
    with statements() as many:
        as_admin.get(path)
    assert len(few) == len(many)

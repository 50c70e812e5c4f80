"""The first page of the admin: capacity, states, builds, failures and quotas at a glance."""

from __future__ import annotations

import datetime as dt
import html
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotas.models import Limit, Usage
from servers.lifecycle.jobs import DeleteServer, defer_all
from servers.models import ServerFault, Service
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.factories import make_instance, make_order, make_project
from tests.world.hosts import make_host, make_zone
from tests.world.staff import operator, staff

Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    return operator()


def panels(client: Client) -> dict[str, Any]:
    response = client.get("/admin/")
    assert response.status_code == 200
    return {entry["panel"].title: entry for entry in response.context["panels"]}


def show(client: Client) -> str:
    return html.unescape(client.get("/admin/").content.decode())


def test_an_empty_cloud_says_so(admin_site: Client) -> None:
    page = show(admin_site)
    for text in (
        *("There is no host yet.", "There are no servers.", "Nothing is being built."),
        *("No server has failed.", "No project uses 80 % of a limit."),
    ):
        assert text in page


def test_capacity_is_shown_by_zone_and_host(admin_site: Client) -> None:
    sizes = {"vcpus": 8, "cpu_allocation_ratio": 2.0, "vcpus_used": 4, "running_vms": 3}
    make_zone("zone-a", make_host("host1", **sizes), make_host("host2", vcpus=8, disabled=True))
    make_host("host3", forced_down=True)
    capacity = panels(admin_site)["Capacity"]
    zones = {zone.name: zone for zone in capacity["zones"]}
    assert list(zones) == ["nova", "zone-a"]
    assert (zones["zone-a"].hosts, zones["zone-a"].servers) == (2, 3)
    assert (zones["zone-a"].vcpus, zones["zone-a"].vcpus_used) == (16, 4)
    assert (zones["nova"].vcpus, zones["nova"].memory) == (0, 0)
    assert [(host.name, host.marks) for host in capacity["hosts"]] == [
        ("host1", []),
        ("host2", ["disabled"]),
        ("host3", ["down"]),
    ]
    assert "4 of 16" in show(admin_site)


def test_a_host_that_gets_no_servers_is_no_free_capacity(admin_site: Client) -> None:
    make_host("host1", vcpus=8, cpu_allocation_ratio=1.0, vcpus_used=2, disabled=True)
    make_host("host2", vcpus=8, cpu_allocation_ratio=1.0, vcpus_used=3)
    [zone] = panels(admin_site)["Capacity"]["zones"]
    assert (zone.vcpus, zone.vcpus_used) == (10, 5)


def wait_for_worker(*, seconds: int, queue: str = "compute") -> None:
    """A job that has been due for so long."""
    job = DeleteServer(server_id=str(uuid.uuid4()))
    defer_all([job], queue=queue)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - make_interval(secs => %s)"
            " WHERE job_id = (SELECT max(id) FROM procrastinate_jobs)",
            [seconds],
        )


def start_workers() -> None:
    Service.objects.control().update(last_seen_up=timezone.now())


def test_a_site_without_workers_says_so(admin_site: Client) -> None:
    assert "No worker is up" in panels(admin_site)["Services"]["trouble"]
    start_workers()
    assert panels(admin_site)["Services"]["trouble"] == ""
    assert 'role="alert"' not in show(admin_site)


@pytest.mark.parametrize(
    ("seconds", "queue", "late"),
    [(30, "compute", False), (90, "compute", True), (90, "waiting for places", False)],
)
def test_jobs_that_wait_for_more_than_a_minute_are_trouble(
    admin_site: Client, seconds: int, queue: str, late: bool
) -> None:
    start_workers()
    wait_for_worker(seconds=seconds, queue=queue)
    services = panels(admin_site)["Services"]
    [(found, _)] = services["queues"]
    assert (found.name, found.waiting, found.is_late) == (queue, 1, late)
    assert seconds <= found.seconds < seconds + 60
    assert bool(services["trouble"]) is late


def test_a_job_that_is_due_later_is_no_trouble(admin_site: Client) -> None:
    start_workers()
    wait_for_worker(seconds=90)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")
    assert panels(admin_site)["Services"]["queues"] == []


def test_hosts_are_counted_by_state(admin_site: Client) -> None:
    make_host("host1")
    make_host("host2", disabled=True)
    make_host("host3", forced_down=True)
    hosts = panels(admin_site)["Services"]["hosts"]
    assert (hosts.up, hosts.down, hosts.disabled) == (2, 1, 1)


def test_the_page_of_a_server_that_waits_tells_of_missing_workers(admin_site: Client) -> None:
    busy, idle = make_instance(task_state="powering-off"), make_instance()
    pages = {
        server: html.unescape(
            admin_site.get(f"/admin/servers/instance/{server.pk}/change/").content.decode()
        )
        for server in (busy, idle)
    }
    assert "No worker is up" in pages[busy]
    assert "data-busy" in pages[busy]
    assert "No worker is up" not in pages[idle]
    assert "data-busy" not in pages[idle]


def test_the_fullest_hosts_stand_first_and_the_others_are_counted(admin_site: Client) -> None:
    for index in range(20):
        make_host(f"host{index:02}", local_gb_used=index)
    capacity = panels(admin_site)["Capacity"]
    assert [host.name for host in capacity["hosts"]][:2] == ["host19", "host18"]
    assert (len(capacity["hosts"]), capacity["more"]) == (15, 5)


def test_servers_are_counted_by_state(admin_site: Client) -> None:
    for state in ("active", "active", "error"):
        make_instance(vm_state=state)
    make_instance(vm_state="deleted", deleted_at=timezone.now())
    states = panels(admin_site)["Servers by state"]
    assert states["states"] == [("active", 2), ("error", 1)]
    assert states["total"] == 3


def test_builds_are_shown_with_their_age_the_oldest_first(admin_site: Client) -> None:
    for hours in (1, 5, 3):
        created = timezone.now() - dt.timedelta(hours=hours)
        make_order(display_name=f"waits {hours} h", created_at=created)
    waiting = panels(admin_site)["Builds under way"]
    names = [server.display_name for server, _ in waiting["servers"]]
    assert names == ["waits 5 h", "waits 3 h", "waits 1 h"]
    assert waiting["number"] == 3
    assert "5 h 0 min" in show(admin_site)


def test_failures_are_shown_with_their_reasons(admin_site: Client) -> None:
    server = make_instance(vm_state="error", display_name="web")
    for number in range(12):
        ServerFault.objects.create(instance=server, message=f"reason {number}", host="host1")
    faults = [fault.message for fault, _ in panels(admin_site)["Last failures"]["faults"]]
    assert faults[:2] == ["reason 11", "reason 10"]
    assert len(faults) == 10


def near(client: Client) -> list[tuple[str, str]]:
    rows = panels(client)["Projects near their quota"]["rows"]
    return [(row.project, row.resource) for row in rows]


def test_projects_near_a_limit_are_shown_the_fullest_first(admin_site: Client) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=10)
    Limit.objects.create(quota_class="default", resource="instances", limit=5)
    Limit.objects.create(project_id=ALPHA, resource="instances", limit=-1)
    Limit.objects.create(project_id=BETA, resource="ram", limit=0)
    for project, resource, used in (
        (ALPHA, "cores", 8),
        (ALPHA, "instances", 1000),
        (BETA, "instances", 6),
        (BETA, "ram", 1),
        (BETA, "cores", 15),  # of 20, by the option
    ):
        Usage.objects.create(project_id=project, resource=resource, in_use=used)
    assert near(admin_site) == [("beta", "ram"), ("beta", "instances"), ("alpha", "cores")]


def test_a_limit_of_a_user_is_not_the_projects(admin_site: Client, cast: Cast) -> None:
    Limit.objects.create(project_id=ALPHA, user_id=cast.member.user_id, resource="cores", limit=1)
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=2)
    assert near(admin_site) == []


def test_the_page_costs_the_same_for_1_and_40_servers(
    admin_site: Client, statements: Statements
) -> None:
    def fill(count: int) -> None:
        for _ in range(count):
            project = make_project()
            ServerFault.objects.create(instance=make_instance(vm_state="error"), message="broken")
            Usage.objects.create(project=project, resource="cores", in_use=20)
            make_order(project=project)
            make_host(project.name)

    fill(1)
    admin_site.get("/admin/")
    with statements() as few:
        admin_site.get("/admin/")
    fill(39)
    with statements() as many:
        admin_site.get("/admin/")
    assert len(few) == len(many)


@pytest.mark.parametrize(
    ("permissions", "titles"),
    [
        ([], []),
        (["servers.view_instance"], ["Builds under way", "Servers by state"]),
        (["servers.view_computenode"], ["Capacity"]),
        (["servers.view_service"], ["Services"]),
        (["servers.view_serverfault"], ["Last failures"]),
        (["quotas.view_projectquota"], ["Projects near their quota"]),
    ],
)
def test_panels_are_for_who_may_see_their_rows(
    cast: Cast, permissions: list[str], titles: list[str]
) -> None:
    assert sorted(panels(staff(*permissions))) == titles


def test_the_lists_of_an_app_have_no_panels(admin_site: Client) -> None:
    assert "Servers by state" not in admin_site.get("/admin/servers/").content.decode()

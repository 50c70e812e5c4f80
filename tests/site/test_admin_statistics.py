"""Figures over time: how they are added up, the charts, the usage report, and lists as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import html
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from compute_site.console.csv_lists import as_cell
from servers.models import InstanceAction, InstanceActionEvent, Rollup, RollupKind, ServerFault
from servers.statistics.roll_up import roll_up
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.factories import make_flavor, make_instance, make_project
from tests.world.hosts import make_host, make_zone
from tests.world.jobs import run_jobs
from tests.world.reservations import make_reservation
from tests.world.staff import operator, staff

Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]
NOON = dt.datetime(2026, 3, 5, 12, 30, tzinfo=dt.UTC)
HOUR = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
TODAY = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    return operator()


def numbers_of(kind: RollupKind) -> dict[tuple[str, dt.datetime], dict[str, Any]]:
    return {(row.subject, row.at): row.numbers for row in Rollup.objects.filter(kind=kind)}


def test_room_is_noted_by_zone_and_host(cast: Cast) -> None:
    sizes = {"vcpus": 8, "cpu_allocation_ratio": 2.0, "vcpus_used": 4, "running_vms": 3}
    make_zone("zone-a", make_host("host1", **sizes))
    make_host("host2", vcpus=8, disabled=True)
    roll_up(NOON)
    zones, hosts = numbers_of(RollupKind.ZONE), numbers_of(RollupKind.HOST)
    assert zones["zone-a", HOUR]["vcpus"] == hosts["host1", HOUR]["vcpus"] == 16
    assert zones["zone-a", HOUR]["vcpus_used"] == 4
    assert zones["zone-a", HOUR]["servers"] == 3
    assert zones["nova", HOUR]["vcpus"] == 0
    assert hosts["host2", HOUR]["vcpus"] == 32


def test_the_same_hour_is_noted_once_with_its_newest_figures(cast: Cast) -> None:
    make_instance()
    first = roll_up(NOON)
    make_instance()
    make_instance(vm_state="stopped")
    make_instance(vm_state="deleted", deleted_at=NOON)
    assert roll_up(NOON + dt.timedelta(minutes=20)) == first + 1
    assert numbers_of(RollupKind.STATE) == {
        ("active", HOUR): {"servers": 2},
        ("stopped", HOUR): {"servers": 1},
    }


def note_build(result: str, at: dt.datetime) -> None:
    action = InstanceAction.objects.create(
        instance=make_instance(), action="create", user_id="-", project_id=ALPHA, request_id="-"
    )
    InstanceActionEvent.objects.create(
        action=action,
        event="compute__do_build_and_run_instance",
        result=result,
        start_time=at,
        finish_time=at,
    )


def test_builds_and_failures_are_noted_by_hour(cast: Cast) -> None:
    for minutes in (5, 10, 70):
        note_build("Success", NOON - dt.timedelta(minutes=minutes))
    note_build("Error", NOON)  # another host may have made up for it
    failed = make_instance(vm_state="error")
    ServerFault.objects.create(instance=failed, message="no host", created_at=NOON)
    broken = make_instance(vm_state="error", launched_at=NOON - DAY)
    ServerFault.objects.create(instance=broken, message="no stop", created_at=NOON)
    roll_up(NOON)
    assert numbers_of(RollupKind.BUILD) == {
        ("built", HOUR): {"servers": 2},
        ("built", HOUR - dt.timedelta(hours=1)): {"servers": 1},
        ("failed", HOUR): {"servers": 1},
    }


def test_what_workers_build_is_counted(cast: Cast) -> None:
    make_host()
    make_reservation(count=2)
    run_jobs()
    roll_up()
    built = Rollup.objects.filter(kind=RollupKind.BUILD, subject="built")
    assert sum(row.numbers["servers"] for row in built) == 2


def make_used(*, project: str = ALPHA, start: dt.datetime, end: dt.datetime | None) -> None:
    """A server of 2 vCPUs, 1 GiB and 10 GiB of disk."""
    flavor = make_flavor(vcpus=2, memory_mb=1024, root_gb=10)
    make_instance(project_id=project, flavor_record=flavor, launched_at=start, terminated_at=end)


def test_usage_is_noted_by_project_and_day(cast: Cast) -> None:
    make_used(start=TODAY - dt.timedelta(hours=6), end=None)
    make_used(start=TODAY - 5 * DAY, end=TODAY - 4 * DAY)
    make_used(project=BETA, start=TODAY - 3 * DAY, end=TODAY + dt.timedelta(hours=1))
    roll_up(NOON)
    usage = numbers_of(RollupKind.USAGE)
    assert usage[ALPHA, TODAY - DAY]["vcpu_hours"] == 12
    assert usage[ALPHA, TODAY]["vcpu_hours"] == 25
    assert usage[ALPHA, TODAY]["memory_hours"] == 12.5
    assert usage[BETA, TODAY - DAY]["disk_hours"] == 240
    assert usage[BETA, TODAY]["vcpu_hours"] == 2
    assert len(usage) == 4


def test_old_figures_are_forgotten(cast: Cast) -> None:
    for kind, days in ((RollupKind.HOST, 15), (RollupKind.HOST, 13), (RollupKind.USAGE, 700)):
        Rollup.objects.create(kind=kind, at=NOON - days * DAY, subject="x", numbers={})
    roll_up(NOON)
    kept = Rollup.objects.filter(subject="x").values_list("kind", "at")
    assert sorted(kept) == [("host", NOON - 13 * DAY), ("usage", NOON - 700 * DAY)]


def test_charts_show_what_was_noted(admin_site: Client) -> None:
    make_zone("zone-a", make_host("host1", vcpus_used=4))
    make_instance()
    assert "Nothing has been noted" in admin_site.get("/admin/charts/").content.decode()
    roll_up()
    page: Any = admin_site.get("/admin/charts/")
    charts = {chart.title: chart for chart in page.context["charts"]}
    [line] = charts["vCPUs in use, by zone"].lines
    assert (line.name, line.last) == ("zone-a", "4")
    assert charts["Servers by state"].lines[0].name == "active"
    assert "zone-a 4" in html.unescape(page.content.decode())
    of_host: Any = admin_site.get("/admin/charts/", {"host": "host1", "days": "1"})
    assert [line.last for line in of_host.context["charts"][0].lines] == ["4"]


@pytest.mark.parametrize("query", [{"days": "banana"}, {"host": "a\0b"}, {"days": "-1"}])
def test_charts_take_any_question(admin_site: Client, query: dict[str, str]) -> None:
    assert admin_site.get("/admin/charts/", query).status_code == 200


def test_a_chart_draws_the_largest_series(admin_site: Client) -> None:
    now = timezone.now().replace(minute=0)
    for number in range(12):
        Rollup.objects.create(
            kind=RollupKind.ZONE, at=now, subject=f"z{number:02}", numbers={"vcpus": number}
        )
    page: Any = admin_site.get("/admin/charts/")
    chart = next(c for c in page.context["charts"] if c.title.startswith("vCPUs that"))
    assert [line.name for line in chart.lines] == [f"z{number:02}" for number in range(4, 12)]
    assert (chart.more, chart.top) == (4, "11")


def test_the_usage_of_a_period_is_shown_and_downloaded(admin_site: Client, cast: Cast) -> None:
    make_used(start=TODAY - dt.timedelta(hours=6), end=None)
    make_used(project=BETA, start=TODAY - 3 * DAY, end=TODAY + dt.timedelta(hours=1))
    roll_up(NOON)
    period = {"since": "2026-03-04", "until": "2026-03-05"}
    page: Any = admin_site.get("/admin/usage/", period)
    rows = [(row.project, row.vcpu_hours) for _, row in page.context["rows"]]
    assert rows == [("beta", 50), ("alpha", 37)]
    one = admin_site.get("/admin/usage/", period | {"until": "2026-03-04", "project": "alpha"})
    assert [row.vcpu_hours for _, row in one.context["rows"]] == [12]
    answer = admin_site.get(f"/admin/usage/?{page.context['csv']}")
    lines = list(csv.reader(answer.content.decode().splitlines()))
    assert lines[1:] == [
        [BETA, "beta", "50.0", "25.0", "250.0"],
        [ALPHA, "alpha", "37.0", "18.5", "185.0"],
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "banana"},
        {"since": "2026-03-05", "until": "2026-03-04"},
        {"since": "1026-03-05"},
        {"project": "a\0b"},
    ],
)
def test_a_period_that_cannot_be_is_refused(admin_site: Client, query: dict[str, str]) -> None:
    page = admin_site.get("/admin/usage/", query)
    assert page.status_code == 200
    assert page.context["form"].errors


@pytest.mark.parametrize("page", ["/admin/charts/", "/admin/usage/"])
def test_figures_are_for_who_may_see_them(cast: Cast, page: str) -> None:
    assert staff("servers.view_rollup").get(page).status_code == 200
    client = staff("servers.view_instance")
    assert client.get(page).status_code == 403
    assert page not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("page", ["/admin/charts/", "/admin/usage/"])
def test_figures_cost_the_same_for_few_and_many(
    admin_site: Client, statements: Statements, page: str
) -> None:
    costs = []
    for number in (1, 20):
        for index in range(number):
            project = make_project()
            make_host(f"host-{project.name}")
            make_used(project=project.pk, start=timezone.now() - DAY, end=None)
            make_instance(vm_state="active", host=f"host-{index}")
        roll_up()
        admin_site.get(page)
        with statements() as seen:
            admin_site.get(page)
        costs.append(len(seen))
    assert costs[0] == costs[1]


def read_csv(client: Client, url: str, **query: str) -> list[dict[str, str]]:
    answer = client.get(f"{url}csv/", query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(answer.content.decode().splitlines()))


def test_a_list_is_downloaded_as_it_is_filtered(admin_site: Client) -> None:
    make_instance(display_name="web", host="rack1")
    make_instance(display_name="=cmd()", host="rack2")
    url = reverse("admin:servers_instance_changelist")
    assert f"{url}csv/?host=rack1" in html.unescape(
        admin_site.get(url, {"host": "rack1"}).content.decode()
    )
    [row] = read_csv(admin_site, url, host="rack1")
    assert row["server"].startswith("web ")
    assert row["status"] == "ACTIVE"
    [row] = read_csv(admin_site, url, q="cmd")
    assert row["server"].startswith("'=cmd()")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        *((None, ""), ("–", ""), (True, "yes"), (False, "no"), (-1, "-1"), ("-1", "'-1")),
        *(("@x", "'@x"), ("x=1", "x=1"), (dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
          "2026-01-02 00:00:00+00:00")),
    ],
)  # fmt: skip
def test_a_cell_is_no_formula(value: Any, cell: str) -> None:
    assert as_cell(value) == cell


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda m: m._meta.label))
def test_every_list_is_there_as_csv(admin_site: Client, model: Any) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    answer = admin_site.get(f"{url}csv/")
    assert answer.content.decode().startswith("key,")
    assert staff().get(f"{url}csv/").status_code == 403


def test_a_list_as_csv_has_no_other_filters(admin_site: Client) -> None:
    url = reverse("admin:servers_instance_changelist")
    assert admin_site.get(f"{url}csv/", {"user_data__startswith": "c"}).status_code == 400
    assert admin_site.get(f"{url}csv/", {"created_at__gte": "c"}).status_code == 404

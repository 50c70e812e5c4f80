"""``/os-simple-tenant-usage``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from servers.models import Instance
from servers.models.states import VmState
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_instance

URL = "/os-simple-tenant-usage"
JUNE = "start=2026-06-01T00:00:00&end=2026-06-02T00:00:00"
NO_SERVER = "00000000-0000-4000-8000-00000000ffff"


def at(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 6, day, hour, tzinfo=dt.UTC)


def make(begun: dt.datetime | None, ended: dt.datetime | None = None, **fields: Any) -> Instance:
    """A server of 2 vCPUs, 512 MiB and 15 GiB."""
    flavor = make_flavor(vcpus=2, memory_mb=512, root_gb=10, ephemeral_gb=5)
    if ended is not None:
        fields |= {"vm_state": VmState.DELETED, "deleted_at": ended}
    return make_instance(launched_at=begun, terminated_at=ended, flavor_record=flavor, **fields)


@pytest.fixture
def servers(cast: Cast) -> dict[str, Instance]:
    return {
        "whole": make(at(1)),
        "late": make(at(1, 18), display_name="late"),
        "deleted": make(at(1, 6), at(1, 9)),
        "before": make(at(1) - dt.timedelta(days=2), at(1) - dt.timedelta(days=1)),
        "after": make(at(3)),
        "never": make(None),
        "foreign": make(at(1, 12), project_id=BETA),
    }


def test_a_project_s_servers_are_summed_in_hours(
    as_reader: ApiClient, servers: dict[str, Instance]
) -> None:
    usage = as_reader.get(f"{URL}/{ALPHA}?{JUNE}").expect(200).json["tenant_usage"]
    shown = {server["instance_id"]: server for server in usage.pop("server_usages")}
    assert usage == {
        "tenant_id": ALPHA,
        "start": "2026-06-01T00:00:00.000000",
        "stop": "2026-06-02T00:00:00.000000",
        "total_hours": 33.0,
        "total_vcpus_usage": 66.0,
        "total_memory_mb_usage": 33.0 * 512,
        "total_local_gb_usage": 33.0 * 15,
    }
    hours = {name: shown[str(servers[name].uuid)]["hours"] for name in ("whole", "late", "deleted")}
    assert hours == {"whole": 24.0, "late": 6.0, "deleted": 3.0}
    assert len(shown) == 3


def test_a_server_is_shown_with_its_life(
    as_reader: ApiClient, servers: dict[str, Instance]
) -> None:
    usages = as_reader.get(f"{URL}/{ALPHA}?{JUNE}").json["tenant_usage"]["server_usages"]
    shown = {server["instance_id"]: server for server in usages}
    deleted, late = servers["deleted"], servers["late"]
    assert shown[str(deleted.uuid)] == {
        "instance_id": str(deleted.uuid),
        "name": deleted.display_name,
        "tenant_id": ALPHA,
        "flavor": deleted.flavor["name"],
        "vcpus": 2,
        "memory_mb": 512,
        "local_gb": 15,
        "started_at": "2026-06-01T06:00:00.000000",
        "ended_at": "2026-06-01T09:00:00.000000",
        "state": "terminated",
        "hours": 3.0,
        "uptime": 3 * 3600,
    }
    running = shown[str(late.uuid)]
    assert (running["name"], running["state"], running["ended_at"]) == ("late", "active", None)
    assert running["uptime"] > 30 * 24 * 3600


@pytest.mark.usefixtures("servers")
def test_an_admin_sees_all_projects(as_admin: ApiClient) -> None:
    plain = as_admin.get(f"{URL}?{JUNE}").expect(200).json["tenant_usages"]
    detailed = as_admin.get(f"{URL}?{JUNE}&detailed=1").expect(200).json["tenant_usages"]
    assert [(usage["tenant_id"], usage["total_hours"]) for usage in plain] == [
        (ALPHA, 33.0),
        (BETA, 12.0),
    ]
    assert all("server_usages" not in usage for usage in plain)
    assert [len(usage["server_usages"]) for usage in detailed] == [3, 1]


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(
    ("client", "own", "foreign", "everything"),
    [
        ("as_reader", 200, 403, 403),
        ("as_member", 200, 403, 403),
        ("as_manager", 200, 403, 403),
        ("as_admin", 200, 200, 200),
    ],
)
def test_who_may_see_whose_usage(
    client: str, own: int, foreign: int, everything: int, request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    caller.get(f"{URL}/{ALPHA}?{JUNE}").expect(own)
    caller.get(f"{URL}/{BETA}?{JUNE}").expect(foreign)
    caller.get(f"{URL}?{JUNE}").expect(everything)


@pytest.mark.usefixtures("servers")
def test_a_project_without_usage(as_outsider: ApiClient, as_admin: ApiClient) -> None:
    query = "start=2020-01-01T00:00:00&end=2020-01-02T00:00:00"
    assert as_outsider.get(f"{URL}/{BETA}?{query}").json == {"tenant_usage": {}}
    assert as_admin.get(f"{URL}?{query}").json == {"tenant_usages": []}


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("2026-06-01T00:00:00", 200),
        ("2026-06-01T00:00:00.5", 200),
        ("2026-06-01 00:00:00.5", 200),
        ("", 200),
        ("2026-06-01", 400),
        ("2026-06-01 00:00:00", 400),
        ("2026-06-01T00:00:00Z", 400),
        ("yesterday", 400),
        ("2999-01-01T00:00:00", 400),
    ],
)
def test_how_a_time_is_written(as_reader: ApiClient, start: str, status: int) -> None:
    as_reader.get(f"{URL}/{ALPHA}?start={start}").expect(status)


def test_a_period_that_is_yet_to_come_ends_now(as_reader: ApiClient, cast: Cast) -> None:
    make(dt.datetime.now(dt.UTC) - dt.timedelta(hours=2))
    query = "start=2026-01-01T00:00:00&end=2999-01-01T00:00:00"
    usage = as_reader.get(f"{URL}/{ALPHA}?{query}").json["tenant_usage"]
    assert 2.0 <= usage["total_hours"] < 3.0


def test_pages_come_with_2_40(as_reader: ApiClient, servers: dict[str, Instance]) -> None:
    ids = sorted(str(servers[name].uuid) for name in ("whole", "late", "deleted"))
    path = f"{URL}/{ALPHA}?{JUNE}&limit=2"
    old = as_reader.get(path, microversion="2.39").json
    first = as_reader.get(path, microversion="2.40").json
    rest = as_reader.get(f"{path}&marker={ids[1]}", microversion="2.40").json
    shown = [
        [server["instance_id"] for server in page["tenant_usage"]["server_usages"]]
        for page in (old, first, rest)
    ]
    assert shown == [ids, ids[:2], ids[2:]]
    (link,) = first["tenant_usage_links"]
    assert link["rel"] == "next"
    assert f"{URL}/{ALPHA}?" in link["href"]
    assert link["href"].endswith(f"&limit=2&start=2026-06-01T00%3A00%3A00&marker={ids[1]}")
    assert "tenant_usage_links" not in rest
    assert "tenant_usage_links" not in old


@pytest.mark.parametrize(
    ("microversion", "query"),
    [
        ("2.40", "marker=nosuch"),
        ("2.40", f"marker={NO_SERVER}"),
        ("2.40", "limit=-1"),
        ("2.75", "nosuch=1"),
    ],
)
def test_what_cannot_be_understood_is_refused(
    as_admin: ApiClient, microversion: str, query: str
) -> None:
    for path in (URL, f"{URL}/{ALPHA}"):
        answer = as_admin.get(f"{path}?{JUNE}&{query}", microversion=microversion).expect(400)
        assert answer.blamed == [query.partition("=")[0]]


@pytest.mark.usefixtures("servers")
def test_a_report_costs_the_same_however_long_it_is(
    as_admin: ApiClient, statements: Callable[[], Any]
) -> None:
    path = f"{URL}?{JUNE}&detailed=1"
    as_admin.get(path).expect(200)
    with statements() as few:
        as_admin.get(path)
    for _ in range(5):
        make(at(1))
    with statements() as many:
        as_admin.get(path)
    assert len(few) == len(many)

"""Faults on request: asked for by ``/faults``, met by builds and requests, and ended again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quotas.models import Limit
from servers.models import Injection, Instance, Service
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor
from tests.world.faults_on_request import MIDDLEWARE, faults_on_request
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.orders import Shop
from tests.world.reservations import make_reservation, usage_of

SERVERS = "/compute/v2.1/servers*"


@pytest.fixture
def faults_on(cast: Cast) -> Iterator[None]:
    with faults_on_request():
        yield


@pytest.fixture
def admin(faults_on: None, cast: Cast) -> ApiClient:
    return ApiClient(cast.admin)


@pytest.fixture
def member(faults_on: None, cast: Cast) -> ApiClient:
    return ApiClient(cast.member)


def ask(admin: ApiClient, kind: str, **keys: Any) -> str:
    """Ask for a fault; its id."""
    answer = admin.post("//faults", {"fault": {"kind": kind, **keys}}).expect(201)
    return str(answer.json["fault"]["id"])


def show(admin: ApiClient, fault: str) -> dict[str, Any]:
    shown: dict[str, Any] = admin.get(f"//faults/{fault}").expect(200).json["fault"]
    return shown


def build(count: int = 1, **values: Any) -> list[Instance]:
    servers = make_reservation(count, **values)
    run_jobs()
    return [Instance.objects.get(pk=server.pk) for server in servers]


def states(*servers: Instance) -> list[str]:
    return [server.vm_state for server in servers]


@pytest.mark.parametrize("step", ["networking", "disks", "spawning"])
def test_a_build_fails_at_the_step_and_only_as_often_as_asked(admin: ApiClient, step: str) -> None:
    make_host()
    fault = ask(admin, "build", step=step, message="The power is off.")
    (first,) = build()
    (second,) = build()
    assert states(first, second) == ["error", "active"]
    shown = admin.get(f"/servers/{first.uuid}").expect(200).json["server"]
    assert shown["fault"]["message"] == "The power is off."
    assert (show(admin, fault)["left"], show(admin, fault)["met"]) == (0, 1)


def test_a_failure_of_one_host_sends_the_server_to_another(admin: ApiClient) -> None:
    make_host("host1"), make_host("host2")
    ask(admin, "build", step="spawning", outcome="fail_here", host="host1", times="always")
    found = build() + build()
    assert {(server.vm_state, server.host) for server in found} == {("active", "host2")}


@pytest.mark.parametrize("key", ["server", "project"])
def test_builds_of_others_do_not_meet_it(admin: ApiClient, key: str, cast: Cast) -> None:
    make_host()
    meant = {"server": "server-1", "project": BETA}[key]
    ask(admin, "build", step="spawning", times="always", **{key: meant})
    ours = build(2)
    theirs = build(owner=cast.outsider)
    wanted = {"server": ["active", "error", "active"], "project": ["active", "active", "error"]}
    assert states(*ours, *theirs) == wanted[key]


def test_a_server_asks_for_its_own_failure_by_its_metadata(admin: ApiClient) -> None:
    make_host()
    shop, member = Shop(), ApiClient(Cast.member)
    shop.order(member, metadata={"compute_site:fail": "disks"}).expect(202)
    shop.order(member, metadata={"compute_site:fail": "never"}).expect(202)
    run_jobs()
    assert states(*Instance.objects.order_by("pk")) == ["error", "active"]


def test_a_build_that_hangs_goes_on(admin: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as was asked, unless the fault ends before."""
    make_host()
    fault = ask(admin, "build", step="spawning", outcome="hang", seconds=3000)
    seen: list[str] = []

    def end_fault(_seconds: float) -> None:
        seen.extend(states(*Instance.objects.all()))
        admin.delete(f"//faults/{fault}").expect(204)

    monkeypatch.setattr(time, "sleep", end_fault)
    assert states(*build()) == ["active"]
    assert seen == ["building"]


def test_a_build_that_hangs_ends_when_its_server_is_deleted(
    admin: ApiClient, member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_host()
    ask(admin, "build", step="spawning", outcome="hang", seconds=3000)
    (server,) = make_reservation()
    monkeypatch.setattr(
        time, "sleep", lambda _: member.delete(f"/servers/{server.uuid}").expect(204)
    )
    run_jobs()
    assert states(Instance.objects.get(pk=server.pk)) == ["deleted"]
    assert usage_of() == {}


@pytest.mark.parametrize(("outcome", "status"), [("503", 503), ("429", 429)])
def test_requests_are_refused_as_often_as_asked(
    admin: ApiClient, member: ApiClient, outcome: str, status: int
) -> None:
    ask(admin, "request", path=SERVERS, method="GET", outcome=outcome, seconds=7, times=2)
    found = [member.get("/servers") for _ in range(3)]
    assert [answer.status for answer in found] == [status, status, 200]
    assert found[0].headers["Retry-After"] == "7"
    assert member.get("/flavors").status == 200


def test_other_methods_and_paths_do_not_meet_it(admin: ApiClient, member: ApiClient) -> None:
    fault = ask(admin, "request", path="/compute/v2.1/servers", method="POST", times="always")
    assert member.get("/servers").status == 200
    assert member.post("/servers/detail", {}).status == 404
    assert show(admin, fault)["met"] == 0
    assert member.post("/servers", {}).status == 503
    shown = show(admin, fault)
    assert (shown["left"], shown["met"]) == (None, 1)


def test_an_answer_comes_late(
    admin: ApiClient, member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(admin, "request", path=SERVERS, outcome="delay", seconds=30)
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    assert [member.get("/servers").status for _ in range(2)] == [200, 200]
    assert waited == [30]


def test_nobody_is_locked_out_of_the_ways_to_end_it(admin: ApiClient) -> None:
    ask(admin, "request", path="/*", times="always")
    assert admin.get("/servers").status == 503
    assert ApiClient().get("//readyz").status == 200
    admin.delete("//faults").expect(204)
    assert admin.get("/servers").status == 200


def test_a_host_is_down_until_the_fault_ends(admin: ApiClient) -> None:
    make_host("host1")
    fault = ask(admin, "host", host="host1")
    assert states(*build()) == ["error"]
    assert Service.objects.get(host="host1").forced_down
    admin.delete(f"//faults/{fault}").expect(204)
    assert not Service.objects.get(host="host1").forced_down
    assert states(*build()) == ["active"]


def test_a_host_that_was_down_before_stays_down(admin: ApiClient) -> None:
    make_host("host1", forced_down=True)
    admin.delete(f"//faults/{ask(admin, 'host', host='host1')}").expect(204)
    assert Service.objects.get(host="host1").forced_down


def test_the_end_of_a_fault_does_not_need_its_host(admin: ApiClient) -> None:
    fault = ask(admin, "host", host=make_host("host1").service.host)
    Service.objects.filter(host="host1").update(host="another")
    admin.delete(f"//faults/{fault}").expect(204)


@pytest.mark.parametrize("before", [None, 7])
@pytest.mark.parametrize("named", ["alpha", ALPHA])
def test_a_quota_is_full_until_the_fault_ends(
    admin: ApiClient, member: ApiClient, before: int | None, named: str
) -> None:
    make_reservation(flavor=make_flavor())
    if before is not None:
        Limit.objects.create(project_id=ALPHA, resource="instances", limit=before)
    fault = ask(admin, "quota", project=named)
    shop = Shop()
    refused = shop.order(member).expect(403)
    assert "instances" in refused.message
    admin.delete(f"//faults/{fault}").expect(204)
    found = Limit.objects.filter(project_id=ALPHA, resource="instances").first()
    assert (found.limit if found else None) == before
    shop.order(member).expect(202)


def test_all_faults_end_at_once(admin: ApiClient) -> None:
    make_host("host1")
    ask(admin, "host", host="host1")
    ask(admin, "quota", project="alpha", resource="cores")
    ask(admin, "request", path="/nowhere")
    assert len(admin.get("//faults").expect(200).json["faults"]) == 3
    admin.delete("//faults").expect(204)
    assert admin.get("//faults").json == {"faults": []}
    assert not Service.objects.get(host="host1").forced_down
    assert not Limit.objects.exists()


@pytest.mark.parametrize(
    ("fault", "blamed"),
    [
        ({"kind": "flood"}, ["fault.kind"]),
        ({"kind": ["build"]}, ["fault.kind"]),
        ({}, ["fault.kind"]),
        ({"kind": "build"}, ["fault.step"]),
        ({"kind": "build", "step": "sleeping", "times": 0}, ["fault.step", "fault.times"]),
        ({"kind": "build", "step": "disks", "outcome": "drop"}, ["fault.outcome"]),
        ({"kind": "build", "step": "disks", "seconds": "1"}, ["fault.seconds"]),
        ({"kind": "build", "step": "disks", "message": "a\0b"}, ["fault.message"]),
        ({"kind": "request", "path": "servers"}, ["fault.path"]),
        ({"kind": "request", "path": "/", "method": "get"}, ["fault.method"]),
        ({"kind": "request", "path": "/", "times": True}, ["fault.times"]),
        ({"kind": "host"}, ["fault.host"]),
        ({"kind": "host", "host": "nowhere"}, ["fault.host"]),
        ({"kind": "host", "host": "x", "step": "disks"}, ["fault.step"]),
        ({"kind": "quota", "project": "nobody"}, ["fault.project"]),
        ({"kind": "quota", "project": "alpha", "resource": "beer"}, ["fault.resource"]),
    ],
)
def test_a_wrong_fault_is_refused_by_its_key(
    admin: ApiClient, fault: Any, blamed: list[str]
) -> None:
    answer = admin.post("//faults", {"fault": fault}).expect(400)
    assert answer.blamed == blamed
    assert not Injection.objects.exists()


@pytest.mark.parametrize("body", [None, [], {}, {"fault": []}, {"fault": None}, b"{"])
def test_a_body_without_a_fault_is_refused(admin: ApiClient, body: Any) -> None:
    admin.post("//faults", body).expect(400)


def test_the_same_is_not_asked_for_twice(admin: ApiClient) -> None:
    """The second would restore what the first has made."""
    make_host("host1")
    for kind, keys in (("host", {"host": "host1"}), ("quota", {"project": "alpha"})):
        ask(admin, kind, **keys)
        admin.post("//faults", {"fault": {"kind": kind, **keys}}).expect(409)


def test_only_admins_ask_for_faults(faults_on: None, cast: Cast) -> None:
    fault = Injection.objects.create(kind="request", details={"path": "/x"}, left=1)
    for persona in (cast.member, cast.manager, cast.outsider):
        client = ApiClient(persona)
        found: list[Answer] = [
            client.get("//faults"),
            client.post("//faults", {"fault": {"kind": "request", "path": "/"}}),
            client.delete("//faults"),
            client.get(f"//faults/{fault.uuid}"),
            client.delete(f"//faults/{fault.uuid}"),
        ]
        assert [answer.status for answer in found] == [403] * 5
    assert ApiClient().get("//faults").status == 401
    assert Injection.objects.count() == 1


@pytest.mark.parametrize("name", ["nothing", "155d900f-4e14-4e4c-a73d-069cbf4541e6"])
def test_a_fault_that_is_not_there_is_404(admin: ApiClient, name: str) -> None:
    assert admin.get(f"//faults/{name}").status == 404
    assert admin.delete(f"//faults/{name}").status == 404


def test_without_the_option_there_are_no_faults(cast: Cast) -> None:
    """Neither the API nor a statement that looks for one."""
    admin, member, shop = ApiClient(cast.admin), ApiClient(cast.member), Shop()
    make_host()
    for kind, details in (
        ("build", {"step": "spawning", "outcome": "fail"}),
        ("request", {"path": "/*", "method": "any", "outcome": "503", "seconds": 1}),
    ):
        Injection.objects.create(kind=kind, details=details)
    assert admin.get("//faults").status == 404
    assert admin.post("//faults", {}).status == 404
    with CaptureQueriesContext(connection) as seen:
        shop.order(member, metadata={"compute_site:fail": "disks"}).expect(202)
        run_jobs()
    assert states(*Instance.objects.all()) == ["active"]
    assert not [query for query in seen.captured_queries if "injection" in query["sql"]]
    assert MIDDLEWARE not in settings.MIDDLEWARE

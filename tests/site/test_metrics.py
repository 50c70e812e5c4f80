"""``/metrics``: figures of the whole site for Prometheus, and who gets them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from compute_site.metrics import meters
from compute_site.metrics.middleware import readable
from compute_site.metrics.models import Counter
from quotas.models import Limit, Usage
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.reservations import make_reservation

Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]


@pytest.fixture(autouse=True)
def _nothing_counted(db: None) -> Iterator[None]:
    meters._pending.clear()
    yield
    meters._pending.clear()


def read_metrics(**headers: str) -> dict[tuple[str, ...], float]:
    """The samples by name and values of their labels."""
    answer = Client().get("/metrics", **headers)
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status(as_member: ApiClient) -> None:
    server = make_instance()
    for _ in range(2):
        as_member.get(f"/servers/{server.uuid}").expect(200)
    as_member.get("/servers/banana").expect(404)
    as_member.get("/no-such-thing").expect(404)
    found = read_metrics()
    name, route = "compute_site_requests_total", "/compute/{api}/servers/{server_id}"
    assert found[name, "GET", route, "200"] == 2
    assert found[name, "GET", route, "404"] == 1


def test_a_foreign_method_makes_no_counter_of_its_own(as_member: ApiClient) -> None:
    for method in ("BREW", "BREW2"):
        Client().generic(method, "/healthz")
    assert [key for key in read_metrics() if "other" in key] != []
    assert [key for key in read_metrics() if "BREW" in key] == []


@pytest.mark.parametrize(
    ("route", "text"),
    [
        (r"^compute/(?P<api>v2\.1|v2)/servers/<str:id>", "/compute/{api}/servers/{id}"),
        (r"^image(?:/|$)v2/images/<uuid:image_id>", "/image/v2/images/{image_id}"),
        ("healthz", "/healthz"),
        ("", "/"),
        (r"^compute/(?P<api>v2\.1|v2)/(?P<id>[0-9a-f-]+)/limits", "/compute/{api}/{id}/limits"),
    ],
)
def test_routes_are_readable(route: str, text: str) -> None:
    assert readable(route) == text


def test_counters_are_those_of_all_processes(cast: Cast) -> None:
    """What a process has counted is added to what others have written."""
    for amount in (2.0, 3.0):
        meters.count(meters.BUILDS, "built", amount=amount)
        meters.flush()
    meters.flush()  # nothing is written twice
    meters.count(meters.BUILDS, "built")
    assert read_metrics()["compute_site_builds_total", "built"] == 6


def test_what_cannot_be_written_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    meters.count(meters.BUILDS, "built")
    with monkeypatch.context() as patch:
        patch.setattr(meters, "WRITE", "SELECT no_such_function(%s, %s, %s)")
        with pytest.raises(DatabaseError), transaction.atomic():
            meters.flush()
    meters.flush()
    assert Counter.objects.get().value == 1


def test_builds_and_placings_are_counted(cast: Cast) -> None:
    make_reservation()
    run_jobs()
    make_host()
    make_reservation(count=2)
    run_jobs()
    found = read_metrics()
    assert found["compute_site_builds_total", "without a host"] == 1
    assert found["compute_site_builds_total", "built"] == 2
    assert found["compute_site_placement_seconds_count",] == 2
    assert found["compute_site_placement_seconds_bucket", "+Inf"] == 2
    assert found["compute_site_placement_seconds_sum",] > 0


def test_durations_fall_into_buckets() -> None:
    for seconds in (0.001, 0.005, 0.2, 99.0):
        meters.observe(meters.PLACEMENT, seconds)
    found = read_metrics()
    name = "compute_site_placement_seconds_bucket"
    assert [found[name, le] for le in ("0.005", "0.1", "0.25", "10.0", "+Inf")] == [2, 2, 3, 3, 4]


def test_the_state_of_the_site_is_shown(cast: Cast) -> None:
    make_host("host1")
    make_host("host2", forced_down=True, disabled=True)
    make_instance()
    make_instance(vm_state="stopped")
    make_reservation()
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=10)
    Usage.objects.update_or_create(project_id=ALPHA, resource="cores", defaults={"in_use": 6})
    found = read_metrics()
    assert found["compute_site_jobs_waiting", "conductor"] == 1
    assert found["compute_site_jobs_oldest_seconds", "conductor"] >= 0
    assert found["compute_site_workers_up",] == 0
    assert found["compute_site_hosts", "up"] == found["compute_site_hosts", "down"] == 1
    assert found["compute_site_hosts", "disabled"] == 1
    assert found["compute_site_servers", "active"] == 1
    assert found["compute_site_servers", "building"] == 1
    assert found["compute_site_quota_used", "alpha", ALPHA, "cores"] == 6
    assert found["compute_site_quota_limit", "alpha", ALPHA, "cores"] == 10


def set_token(settings: Any, token: str) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, metrics_token=token)


def test_without_a_token_metrics_are_for_this_machine(settings: Any) -> None:
    assert Client().get("/metrics").status_code == 200
    for address in ("192.0.2.7", "banana"):
        answer = Client().get("/metrics", REMOTE_ADDR=address)
        assert answer.status_code == 403
        assert b"compute_site_" not in answer.content
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, behind_proxy=True)
    assert Client().get("/metrics", HTTP_X_FORWARDED_FOR="192.0.2.7").status_code == 403


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic secret", "secret", "Bearer é"])
def test_with_a_token_metrics_are_for_who_has_it(settings: Any, header: str | None) -> None:
    set_token(settings, "secret")
    given = {"HTTP_AUTHORIZATION": header} if header is not None else {}
    assert Client().get("/metrics", **given).status_code == 403
    sent = {"HTTP_AUTHORIZATION": "Bearer secret", "REMOTE_ADDR": "192.0.2.7"}
    assert Client().get("/metrics", **sent).status_code == 200


def test_metrics_cost_the_same_for_few_and_many(cast: Cast, statements: Statements) -> None:
    costs = []
    for number in (1, 20):
        for index in range(number):
            make_host(f"host-{number}-{index}")
            make_instance(vm_state="error")
            meters.count(meters.REQUESTS, "GET", f"/{index}", "200")
        Client().get("/metrics")
        meters.count(meters.BUILDS, "built")
        with statements() as seen:
            Client().get("/metrics")
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_a_request_is_counted_without_a_statement(
    as_member: ApiClient, statements: Statements
) -> None:
    make_instance()
    as_member.get("/servers").expect(200)
    with statements() as seen:
        as_member.get("/servers").expect(200)
    assert [q for q in seen.captured_queries if "metrics_counter" in q["sql"]] == []

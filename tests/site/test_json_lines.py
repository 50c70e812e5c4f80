"""Log lines as JSON, and the id of a request in the lines of the jobs that go back to it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.db import connection

from compute_site.metrics.json_lines import JsonFormatter
from compute_site.options import OptionError, read_options
from compute_site.request_id import NOBODY, RequestIdFilter, current_sender, sent_by
from servers.lifecycle.jobs import ORIGIN, DeleteServer, PlaceMove, UnshelveServer
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs


def line_of_now() -> dict[str, Any]:
    record = logging.LogRecord("servers", logging.INFO, "", 1, "built %s", ("web",), None)
    RequestIdFilter().filter(record)
    return dict(json.loads(JsonFormatter().format(record)))


def test_a_line_is_an_object() -> None:
    with sent_by("req-1"):
        line = line_of_now()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "servers",
        "message": "built web",
        "request_id": "req-1",
    }
    assert "request_id" not in line_of_now()


def test_a_line_with_strange_words_is_still_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "a\nb \u2028 é %s", (object,), None)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert json.loads(text)["message"].startswith("a\nb \u2028 é")


def test_an_error_brings_its_traceback() -> None:
    error = ValueError("broken")
    info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), info)
    assert "ValueError: broken" in json.loads(JsonFormatter().format(record))["exception"]


def test_another_format_is_refused() -> None:
    assert read_options({"COMPUTE_SITE_LOG_FORMAT": "json"}).log_format == "json"
    with pytest.raises(OptionError, match="COMPUTE_SITE_LOG_FORMAT='yaml': give plain or json"):
        read_options({"COMPUTE_SITE_LOG_FORMAT": "yaml"})


def origins() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT args ->> 'origin' FROM procrastinate_jobs WHERE status = 'todo'")
        return {row[0] for row in cursor.fetchall()}


def test_jobs_know_the_request_that_they_go_back_to(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that other jobs put into the queue."""
    make_host()
    body = {
        "name": "web",
        "flavorRef": make_flavor().flavorid,
        "imageRef": str(make_image().pk),
        "networks": "none",
    }
    answer = as_member.post("/servers", {"server": body}, microversion="2.90").expect(202)
    request_id = answer.headers["x-openstack-request-id"]
    assert origins() == {request_id}
    seen: list[str] = []

    monkeypatch.setattr(
        "servers.drivers.fake.spawn",
        lambda *_: seen.append(current_sender.get().request_id),
    )
    run_jobs()
    assert seen == [request_id]
    assert current_sender.get() is NOBODY


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (DeleteServer, {"server_id": "x"}),
        (UnshelveServer, {"server_id": "x", "host": "h"}),
        (PlaceMove, {"server_id": "x", "move": 1}),
    ],
)
def test_a_job_is_read_with_and_without_its_origin(kind: Any, arguments: dict[str, Any]) -> None:
    job = kind.from_arguments(arguments)
    assert kind.from_arguments(arguments | {ORIGIN: "req-1"}) == job


def test_jobs_of_no_request_have_none(db: None) -> None:
    DeleteServer(server_id="x").defer()
    assert origins() == {None}
    assert queued() == [{"server_id": "x"}]

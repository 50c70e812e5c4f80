"""How answers of all APIs leave: whatever a row holds is shown, what fails has the envelope of its
API, and nothing of an answer stays in memory.
"""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from compute_site.api import rendering
from compute_site.api.json_view import JsonView
from compute_site.identity.models import Project
from compute_site.neighbours.network.models import Port
from servers.models import ServerGroup
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import (
    make_image,
    make_network,
    make_port,
    make_server_group,
    make_volume,
)

LISTS = {
    "/servers/detail": "servers",
    "/os-server-groups": "server_groups",
    "//identity/v3/auth/projects": "projects",
    "//image/v2/images": "images",
    "//network/v2.0/ports": "ports",
    "//volume/v3/volumes/detail": "volumes",
}
BIG = 10**400


@pytest.fixture
def no_collection() -> Iterator[None]:
    """What lives is referred to: nothing is found to be garbage meanwhile."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[JsonView]]:
    """Every view that is made in the test."""
    made: list[weakref.ref[JsonView]] = []
    make = JsonView.__init__

    def note(view: JsonView, *args: Any, **kwargs: Any) -> None:
        make(view, *args, **kwargs)
        made.append(weakref.ref(view))

    monkeypatch.setattr(JsonView, "__init__", note)
    return made


def test_lists_show_numbers_that_are_too_large_for_the_fast_writer(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    group = make_server_group()
    port = make_port(make_network())
    for key in ("max_server_per_host", "deep"):
        value: Any = BIG
        for _ in range(300 if key == "deep" else 0):
            value = [value]
        ServerGroup.objects.filter(pk=group.pk).update(rules={key: value})
        Port.objects.filter(pk=port.pk).update(binding_profile={key: value})
        Project.objects.filter(pk=port.project_id).update(extra={key: value})
        for client in (as_member, as_admin):
            for path, noun in LISTS.items():
                client.get(path, microversion="2.64").expect(200).json[noun]
        listed = as_member.get("/os-server-groups", microversion="2.64").json["server_groups"]
        assert [shown["rules"] for shown in listed] == [{key: value}]


ENVELOPES = {
    "/servers": ("computeFault", "message"),
    "//identity/v3/projects": ("error", "message"),
    "//image/v2/images": (None, "message"),
    "//network/v2.0/networks": ("NeutronError", "message"),
    "//volume/v3/volumes": ("computeFault", "message"),
}


@pytest.mark.parametrize("path", ENVELOPES)
def test_an_answer_that_cannot_be_rendered_is_an_error_in_the_envelope_of_its_api(
    as_member: ApiClient,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = iter([RuntimeError("a thing that cannot be shown")])
    write = rendering.write_json

    def fail_once(data: object) -> bytes:
        for failure in failures:
            raise failure
        return write(data)

    monkeypatch.setattr(rendering, "write_json", fail_once)
    answer = as_member.get(path).expect(500)
    outer, inner = ENVELOPES[path]
    assert "RuntimeError" in (answer.json if outer is None else answer.json[outer])[inner]
    assert answer.headers["Content-Type"] == "application/json"
    assert "a thing that cannot be shown" in caplog.text


ASKED = (
    ("GET", "/compute/v2.1/servers/detail", None),
    ("GET", "/compute/v2.1/servers/155d900f-4e14-4e4c-a73d-069cbf4541e6", None),
    ("POST", "/compute/v2.1/os-server-groups", {"server_group": {"name": "a", "policies": []}}),
    (
        "POST",
        "/compute/v2.1/os-server-groups",
        {"server_group": {"name": "a", "policies": ["affinity"]}},
    ),
    ("GET", "/compute/v2.1/unknown", None),
    ("GET", "/identity/v3/projects", None),
    ("GET", "/identity/v3/projects/unknown", None),
    ("PUT", "/identity/v3/projects", None),
    ("POST", "/identity/v3/auth/tokens", {"auth": {}}),
    ("GET", "/image/v2/images", None),
    ("POST", "/image/v2/images", {"name": "made"}),
    ("PATCH", "/image/v2/images/unknown", []),
    ("GET", "/network/v2.0/ports", None),
    ("GET", "/network/v2.0/ports/unknown", None),
    ("POST", "/network/v2.0/security-groups", {"security_group": {"name": "made"}}),
    ("POST", "/network/v2.0/security-groups", {"security_group": {"name": 1}}),
    ("GET", "/volume/v3/volumes/detail", None),
    ("POST", "/volume/v3/volumes", {"volume": {"size": 1}}),
    ("POST", "/volume/v3/volumes", {"volume": {"size": -1}}),
)


@pytest.mark.parametrize(("method", "path", "body"), ASKED)
@pytest.mark.usefixtures("no_collection")
def test_an_answer_and_its_view_are_gone_when_the_answer_is_let_go(
    cast: Cast, views: list[weakref.ref[JsonView]], method: str, path: str, body: Any
) -> None:
    make_image()
    make_port(make_network())
    make_volume()
    request = RequestFactory().generic(
        method,
        path,
        b"" if body is None else json.dumps(body).encode(),
        content_type="application/json",
        headers={"X-Auth-Token": cast.member.token},
    )
    response: Any = WSGIHandler().get_response(request)
    assert response.status_code < 500
    assert json.loads(response.content)
    kept = weakref.ref(response)
    del response
    assert kept() is None
    assert [view() for view in views] == [None] * len(views)

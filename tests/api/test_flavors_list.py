"""``GET /flavors`` and ``/flavors/detail``: what is listed, in which order, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from flavors.models import FlavorAccess
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor

URL = "http://testserver/compute"


def ids(answer: Answer) -> list[str]:
    return [flavor["id"] for flavor in answer.expect(200).json["flavors"]]


@pytest.fixture
def flavors(cast: Cast) -> None:
    make_flavor(flavorid="a", name="large", memory_mb=4096, root_gb=40, rxtx_factor=2.0)
    make_flavor(flavorid="B", name="medium", memory_mb=2048, root_gb=20, description="middle")
    make_flavor(flavorid="c", name="small", memory_mb=1024, root_gb=10)
    make_flavor(flavorid="disabled", name="old", disabled=True)
    make_flavor(flavorid="hidden", name="hidden", is_public=False)
    shared = make_flavor(flavorid="shared", name="shared", is_public=False)
    FlavorAccess.objects.create(flavor=shared, project_id=cast.member.project.pk)


@pytest.mark.usefixtures("flavors")
def test_a_user_sees_enabled_flavors_that_are_public_or_shared_with_the_project(
    as_member: ApiClient, as_outsider: ApiClient
) -> None:
    assert ids(as_member.get("/flavors")) == ["B", "a", "c", "shared"]
    assert ids(as_outsider.get("/flavors")) == ["B", "a", "c"]


@pytest.mark.usefixtures("flavors")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["B", "a", "c", "disabled", "shared"]),
        ("?is_public=true", ["B", "a", "c", "disabled", "shared"]),
        ("?is_public=None", ["B", "a", "c", "disabled", "hidden", "shared"]),
        ("?is_public=no", ["hidden", "shared"]),
    ],
)
def test_an_admin_chooses_by_publicity(
    as_admin: ApiClient, query: str, expected: list[str]
) -> None:
    assert ids(as_admin.get(f"/flavors{query}")) == expected


@pytest.mark.usefixtures("flavors")
def test_only_an_admin_s_word_on_publicity_is_read(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    assert as_admin.get("/flavors?is_public=maybe").expect(400).fault == "badRequest"
    assert ids(as_member.get("/flavors?is_public=maybe")) == ["B", "a", "c", "shared"]


@pytest.mark.usefixtures("flavors")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("minRam=2048", ["B", "a"]),
        ("minDisk=40", ["a"]),
        ("minRam=1&minRam=4096", ["a"]),
        ("sort_key=name", ["a", "B", "shared", "c"]),
        ("sort_key=memory_mb&sort_dir=desc", ["a", "B", "c", "shared"]),
        ("sort_key=description", ["B", "a", "c", "shared"]),
        ("limit=0", []),
        ("limit=2", ["B", "a"]),
        ("limit=2&marker=a", ["c", "shared"]),
        ("marker=disabled", ["shared"]),
        ("marker=c&sort_key=name&sort_dir=desc", ["shared", "B", "a"]),
        ("nosuch=1", ["B", "a", "c", "shared"]),
    ],
)
def test_filters_order_and_pages(as_member: ApiClient, query: str, expected: list[str]) -> None:
    assert ids(as_member.get(f"/flavors?{query}")) == expected
    assert ids(as_member.get(f"/flavors/detail?{query}")) == expected


@pytest.mark.usefixtures("flavors")
@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "marker=nosuch",
        "marker=",
        "marker=hidden",
        "minRam=x",
        "minDisk=1.5",
        "sort_key=nosuch",
        "sort_key=",
        "sort_dir=up",
    ],
)
def test_what_cannot_be_understood_is_refused(as_member: ApiClient, query: str) -> None:
    assert as_member.get(f"/flavors?{query}").expect(400).blamed == [query.partition("=")[0]]


@pytest.mark.usefixtures("flavors")
def test_a_full_page_links_to_the_next(as_member: ApiClient) -> None:
    answer = as_member.get("/flavors/detail?limit=2&minRam=1&nosuch=1").json
    assert answer["flavors_links"] == [
        {"rel": "next", "href": f"{URL}/v2.1/flavors/detail?limit=2&minRam=1&marker=a"}
    ]
    assert "flavors_links" not in as_member.get("/flavors?limit=5").json


@pytest.mark.usefixtures("flavors")
@pytest.mark.parametrize(
    ("microversion", "query", "status"),
    [
        ("2.74", "nosuch=1", 200),
        ("2.75", "nosuch=1", 400),
        ("2.101", "sort_key=rxtx_factor", 200),
        ("2.102", "sort_key=rxtx_factor", 400),
        ("2.101", "name=small", 400),
        ("2.102", "name=small", 200),
    ],
)
def test_the_query_string_becomes_stricter(
    as_member: ApiClient, microversion: str, query: str, status: int
) -> None:
    as_member.get(f"/flavors?{query}", microversion=microversion).expect(status)


@pytest.mark.usefixtures("flavors")
def test_names_are_matched_as_patterns_from_2_102(as_member: ApiClient) -> None:
    assert ids(as_member.get("/flavors?name=^s|dium$", microversion="2.102")) == [
        "B",
        "c",
        "shared",
    ]
    refused = as_member.get("/flavors?name=*", microversion="2.102").expect(400)
    assert refused.blamed == ["name"]


@pytest.mark.usefixtures("flavors")
def test_the_short_list_shows_descriptions_from_2_55(as_member: ApiClient) -> None:
    links = [
        {"rel": "self", "href": f"{URL}/v2.1/flavors/B"},
        {"rel": "bookmark", "href": f"{URL}/flavors/B"},
    ]
    summary = {"id": "B", "name": "medium", "links": links}
    before = as_member.get("/flavors?limit=1", microversion="2.54").json["flavors"]
    since = as_member.get("/flavors?limit=1", microversion="2.55").json["flavors"]
    assert before == [summary]
    assert since == [summary | {"description": "middle"}]


@pytest.mark.usefixtures("flavors")
@pytest.mark.parametrize("path", ["/flavors", "/flavors/detail", "/flavors/detail?marker=a"])
def test_a_list_costs_the_same_however_long_it_is(
    as_member: ApiClient, statements: Callable[[], Any], path: str
) -> None:
    as_member.get(path).expect(200)
    with statements() as few:
        as_member.get(path)
    for _ in range(5):
        make_flavor()
    with statements() as many:
        as_member.get(path)
    assert len(few) == len(many)


@pytest.mark.parametrize("pattern", [r"^(a*)(a*)\1$", "***=a", "(?b)a", "(a|b)" * 100])
def test_a_pattern_that_could_keep_the_database_busy_is_400(
    as_member: ApiClient, pattern: str
) -> None:
    answer = as_member.get(f"/flavors?{urlencode({'name': pattern})}", microversion="2.102")
    assert answer.expect(400).blamed == ["name"]

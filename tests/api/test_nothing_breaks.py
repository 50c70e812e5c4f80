"""No request, however odd, breaks the site: every URL is walked with odd methods, names, bodies,
queries and headers, and nothing answers with an error of ours.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from compute_site.identity.models import Token
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.routes import METHODS, ROUTES, UNKNOWN_ID, Site

ODD_METHODS = ("OPTIONS", "TRACE", "PROPFIND")
ODD_NAMES = (
    "0",
    "-1",
    "9" * 30,
    "9" * 5000,
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",
    "%F0%9F%98%80",
    "%0a",
    "%2e%2e",
    "x" * 300,
    UNKNOWN_ID.upper(),
    "%D9%A1%D9%A2",
)
ODD_BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{}",
    b"NaN",
    b"\xff\xfe",
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"\\u0000": "\\u0000"}',
    b'{"\\ud800": "\\udfff"}',
    b'{"server":' * 500 + b"1" + b"}" * 500,
    b"[" * 50_000,
)
ODD_QUERIES = (
    "limit=-1&marker=",
    "limit=" + "9" * 5000,
    "limit=%C2%B2&offset=%D9%A1",
    "offset=" + "9" * 30,
    "marker=%00",
    "marker=%ff",
    "marker=" + UNKNOWN_ID,
    "marker=" + "9" * 30,
    "sort_key=x&sort_dir=y&sort=name:asc:desc,,",
    "sort_key=%00&sort=%00",
    "name=%00&id=%00&status=%00",
    "name=(",
    "name=%ed%a0%80",
    "name=(a%2B)%2B$&name=" + "x" * 5000,
    "id=x&network_id=x&project_id=%00&tenant_id=%ff&user_id=%00",
    "ip=%5B",
    "ip6=%00",
    "changes-since=9999-12-31T23:59:59-23:59",
    "changes-since=0001-01-01T00:00:00%2B23:59&changes-before=x",
    "start=9999-12-31T23:59:59&end=0001-01-01",
    "start=0001-01-01T00:00:00&detailed=1",
    "all_tenants=x&locked=x&shared=x&is_public=x&reserved=%00",
    "tags=%00,,",
    "fields=x&fields=%00",
    "fixed_ips=ip_address%3Dx&fixed_ip_address=x&ip_version=x",
    "created_at=gt:x&launched_at=x",
    "power_state=" + "9" * 30 + "&progress=" + "9" * 30,
    "size_min=x&memory_mb=x&minDisk=x",
    "minRam=" + "9" * 30,
    "a[]=1&" + "b=%00&" * 20,
)
ODD_HEADERS: tuple[dict[str, str], ...] = (
    {"OpenStack-API-Version": "compute 2." + "9" * 5000},
    {"OpenStack-API-Version": "compute \xb2.\xb2"},
    {"OpenStack-API-Version": ",,compute"},
    {"X-OpenStack-Nova-API-Version": "2.x"},
    {"X-Auth-Token": "\xff"},
    {"X-Auth-Token": "x" * 8000},
    {"X-Auth-Token": "", "Authorization": "Basic !!!"},
    {"X-Auth-Token": "", "Authorization": "Basic YQBiOmM="},
    {"X-Auth-Token": "", "Authorization": "Basic YTpi", "X-Project-Id": "\xff"},
    {"Authorization": "OAuth"},
    {"Authorization": 'OAuth oauth_nonce="\xff%00", oauth_consumer_key="%00"'},
    {"Authorization": "OAuth =,,=", "Requested-Project-Id": "\xff"},
    {"X-Subject-Token": "\xff"},
    {"Content-Type": "\xff"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Accept": "text/html"},
    {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"},
    {"Accept": "\xff"},
    {"Content-Length": "-1"},
    {"Content-Length": "\xb2"},
    {"Host": "a b"},
    {"X-OpenStack-Request-ID": "\xff"},
    {"Cookie": "sessionid=%00\xff; csrftoken="},
)


@pytest.fixture
def site(as_admin: ApiClient) -> Site:
    return Site(as_admin)


def check(outcomes: Iterable[str | None]) -> None:
    seen = list(outcomes)
    broken = [outcome for outcome in seen if outcome is not None]
    assert len(seen) > 100
    assert not broken, f"{len(broken)} of {len(seen)}\n" + "\n".join(broken[:20])


def test_odd_methods(site: Site) -> None:
    check(
        site.ask(method, site.path(route)) for route in ROUTES for method in METHODS + ODD_METHODS
    )


def test_odd_names(site: Site) -> None:
    check(
        site.ask(method, site.path(route, **{name: odd}))
        for route in ROUTES
        for name in route.names
        for odd in ODD_NAMES
        for method in ("GET", "PUT", "DELETE")
        if method in route.methods
    )


def test_odd_bodies(site: Site) -> None:
    check(
        site.ask(method, site.path(route), body)
        for route in ROUTES
        for method in ("POST", "PUT", "PATCH")
        if method in route.methods
        for body in ODD_BODIES
    )


def test_odd_queries(site: Site) -> None:
    check(
        site.ask("GET", f"{site.path(route)}?{query}")
        for route in ROUTES
        if "GET" in route.methods and not route.path.endswith("}")  # lists have queries
        for query in ODD_QUERIES
    )


def test_odd_headers(site: Site) -> None:
    paths = {"compute": "/servers", "identity": "//identity/v3/auth/tokens"}
    paths |= {"image": "//image/v2/images", "network": "//network/v2.0/networks"}
    check(
        site.ask(method, path, b"{}", **headers)
        for path in (*paths.values(), "//volume/v3/volumes", "//docs/", "//compute", "//schema/")
        for method in ("GET", "POST")
        for headers in ODD_HEADERS
    )


def test_nothing_that_is_asked_here_stays(site: Site) -> None:
    """Otherwise the later requests would only be refused."""
    count = Token.objects.count()
    site.ask("DELETE", "//identity/v3/auth/tokens", **{"X-Subject-Token": Cast.member.token})
    assert Token.objects.count() == count

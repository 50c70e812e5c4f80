"""No request, however odd, breaks the site: every URL is walked with odd methods, names, bodies,
queries and headers, and nothing answers with an error of ours.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLResolver, get_resolver

from compute_site.api.microversions.version import NEWEST
from compute_site.identity.models import Token
from servers.models import Aggregate
from tests.cast import ALPHA, Cast
from tests.client import ApiClient
from tests.factories import (
    make_flavor,
    make_host,
    make_image,
    make_instance,
    make_network,
    make_port,
    make_server_group,
    make_volume,
)
from tests.samples import sample

MOUNTS = {
    r"^compute/(?P<api>v2\.1|v2)/": "compute/v2.1/",
    r"^image(?:/|$)": "image/",
    r"^network(?:/|$)": "network/",
    r"^v2\.0/": "v2.0/",
    r"^volume(?:/|$)": "volume/",
}
"""Patterns that lead to others, as a client writes them."""
NAME = re.compile(r"<(?:\w+:)?(\w+)>")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ODD_METHODS = ("OPTIONS", "TRACE", "PROPFIND")
UNKNOWN_ID = "155d900f-4e14-4e4c-a73d-069cbf4541e6"

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
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**31,
    2**70,
    1.5,
    "",
    "x" * 300,
    "\x00",
    "\u0661",
    "9" * 5000,
    UNKNOWN_ID,
    [None],
    [{}],
    {"": None},
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


@dataclasses.dataclass(frozen=True)
class Route:
    """A URL of the site: ``path`` has names in braces."""

    path: str
    view: Any

    @property
    def methods(self) -> list[str]:
        return [method for method in METHODS if hasattr(self.view, method.lower())]

    @property
    def names(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


def walk(resolver: Any, before: str = "//") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        route = getattr(entry.pattern, "_route", None)
        piece = MOUNTS.get(str(entry.pattern)) if route is None else NAME.sub(r"{\1}", route)
        if piece is None:
            continue  # the same URLs once more, or none that Compute's clients ask for
        if isinstance(entry, URLResolver):
            yield from walk(entry, before + piece)
        elif hasattr(entry.callback, "view_class"):
            yield Route(before + piece, entry.callback.view_class)


ROUTES = [route for route in walk(get_resolver()) if not route.path.startswith("//admin")]


class Site:
    """One thing of each kind, of the project of an admin, who asks for odd things."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        client.http.raise_request_exception = False
        network = make_network()
        host = make_host("host")
        server = make_instance()
        group = make_server_group()
        client.post("/os-keypairs", {"keypair": {"name": "key"}}).expect(200)
        self.values = {
            "server_id": str(server.uuid),
            "flavor_id": make_flavor().flavorid,
            "owner": ALPHA,
            "quota_class": "default",
            "group_id": str(group.uuid),
            "service_id": str(host.service_id),
            "hypervisor_id": str(host.pk),
            "host_name": "host",
            "aggregate_id": str(Aggregate.objects.create(name="rack").pk),
            "network_id": str(network.pk),
            "row_id": str(network.pk),
            "image_id": str(make_image().pk),
            "volume_id": str(make_volume().pk),
            "port_id": str(make_port(network).pk),
            "project_id": ALPHA,
            "user_id": Cast.member.user_id,
            "usage_of": ALPHA,
            "name": "key",
        }

    def path(self, route: Route, **names: str) -> str:
        known = {name: self.values.get(name, UNKNOWN_ID) for name in route.names}
        return route.path.format_map(known | names)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> str | None:
        """What broke; ``None``: nothing. Nothing stays of what was asked."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with transaction.atomic():
            version = None if "OpenStack-API-Version" in headers else str(NEWEST)
            answer = self.client.send(method, path, data, microversion=version, headers=headers)
            transaction.set_rollback(True)
        if answer.status < 500 or answer.status == 501:
            return None
        return f"{method} {path[:150]} {data!r:.150} {headers!s:.100}: {answer.content!r:.200}"


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
        for method in ("GET", "DELETE")
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


def test_odd_values_in_bodies(site: Site) -> None:
    check(
        site.ask(method, site.path(route), body)
        for route in ROUTES
        for method, contract in getattr(route.view, "contracts", {}).items()
        if contract.body is not None
        for body in odd_bodies_of(contract.body)
    )


def odd_bodies_of(serializer: Any) -> Iterator[Any]:
    """The simplest body, with each of its parts, and each of its optional keys, odd in turn."""
    for place, body in parts_of(serializer):
        for odd in ODD_VALUES:
            yield put(body, place, odd)


def parts_of(serializer: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    fields = serializer.at(NEWEST).fields
    simplest = sample(serializer(), NEWEST)
    for name, field in fields.items():
        key = field.key or name
        yield (key,), simplest
        if hasattr(field, "declared"):
            for inner, place in ((inner, (key, *place)) for place, inner in parts_of(type(field))):
                yield place, put(simplest, (key,), inner)


def put(body: Any, place: tuple[str, ...], value: Any) -> Any:
    """The body with the value at the place."""
    key, *rest = place
    inner = body.get(key)
    below = put(inner if isinstance(inner, dict) else {}, tuple(rest), value) if rest else value
    return {**body, key: below}


def test_nothing_that_is_asked_here_stays(site: Site) -> None:
    """Otherwise the later requests would only be refused."""
    count = Token.objects.count()
    site.ask("DELETE", "//identity/v3/auth/tokens", **{"X-Subject-Token": Cast.member.token})
    assert Token.objects.count() == count

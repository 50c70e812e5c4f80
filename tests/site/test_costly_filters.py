"""Whatever a client filters a large table by, the database is through with it soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Model
from django.urls import get_resolver
from psycopg.errors import QueryCanceled
from pytest_django import DjangoDbBlocker

from compute_site.api.microversions.version import NEWEST
from compute_site.api.view import ComputeView
from compute_site.neighbours.service_view import ServiceView
from servers.models import Tag
from tests.world.client import ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_network,
    make_port,
    make_security_group,
    make_volume,
)

ROWS = 2000
MOST_SECONDS = 5
"""For one statement. A machine that has nothing else to do takes a tenth of it."""

LONG_NAME = "'server-' || md5(i::text) || repeat('a', 40) || i"
RANDOM_ID = "gen_random_uuid()"
BACK_REFERENCE = r"^(a*)(a*)(a*)(a*)\1\2c$"
WORDS = ",".join(f"word{number}" for number in range(200))
HOSTILE = [
    BACK_REFERENCE,
    r"(.*)(.*)(.*)(.*)\1\2\3\4x$",
    "(.?.?.?.?){255}x",
    "(?=.*a)" * 64 + "x",
    "|".join("a" * length + "b" for length in range(1, 90)),
    "(?:" * 60 + "a" + "?)*" * 60,
    # the worst that are looked for
    "(a|b|)" * 25,
    "[a-f]?[0-9]?" * 25,
    "s*.{107}s-?",
    WORDS,
    "%" * 2000,
    "in:" + WORDS,
]
MANY = 300
"""So often a key is given again."""

LISTS = [
    "servers/detail",
    "flavors/detail",
    "images",
    "os-hypervisors",
    "os-keypairs",
    "os-migrations",
    "os-services",
    "os-simple-tenant-usage",
]
"""Of the compute API: those that have keys of their own."""

SERVICE_LISTS = [
    "image/v2/images",
    "network/v2.0/networks",
    "network/v2.0/ports",
    "network/v2.0/security-groups",
    "volume/v3/volumes/detail",
]
MORE_KEYS = {"image/v2/images": ("tag", "sort", "sort_key", "a_property")}


@pytest.fixture(scope="module")
def _rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Of everything that members list, for the time of this module."""
    block = transaction.atomic()
    block._from_testcase = True  # what the site does outside of transactions is done in it
    with django_db_blocker.unblock(), block:
        _make_rows()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def _large_tables(_rows: None, db: None) -> Iterator[None]:
    """No statement on them may take long."""
    execute(f"SET LOCAL statement_timeout = '{MOST_SECONDS}s'")
    yield
    execute("SET LOCAL statement_timeout = 0")


def _make_rows() -> None:
    network = make_network()
    server = make_instance()
    multiply(server, display_name=LONG_NAME, uuid=RANDOM_ID)
    Tag.objects.create(instance=server, tag="a")
    execute("INSERT INTO servers_tag (instance_id, tag) SELECT id, 'b' FROM servers_instance")
    multiply(make_flavor(), name=LONG_NAME, flavorid="'flavor' || i")
    multiply(make_image(tags=["a", "b"], properties={"a_property": "b"}), id=RANDOM_ID)
    multiply(network, id=RANDOM_ID, name=LONG_NAME)
    multiply(make_port(network), id=RANDOM_ID, mac_address="substr(md5(i::text), 1, 17)")
    multiply(make_security_group(), id=RANDOM_ID, name=LONG_NAME)
    multiply(make_volume(), id=RANDOM_ID, name=LONG_NAME)
    execute("ANALYZE")


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def multiply(row: Model, **columns: str) -> None:
    """Copy the row many times; ``columns`` are those in which the copies differ, as SQL."""
    fields = [field.column for field in row._meta.concrete_fields]
    if "id" not in columns:
        fields.remove("id")
    table = row._meta.db_table
    values = ", ".join(columns.get(field, field) for field in fields)
    execute(
        f"INSERT INTO {table} ({', '.join(fields)}) SELECT {values}"  # noqa: S608 - our own names
        f" FROM {table}, generate_series(1, {ROWS}) AS i WHERE {row._meta.pk.column} = '{row.pk}'"
    )


def view_at(path: str) -> Any:
    """The class of the view behind a path."""
    return get_resolver().resolve(f"/{path}").func.view_class


def ask(client: ApiClient, path: str, query: list[tuple[str, str]]) -> None:
    version = None if "/v3/" in path or "/v2" in path else str(NEWEST)
    answer = client.get(f"{path}?{urlencode([*query, ('limit', '5')])}", microversion=version)
    assert answer.status in (200, 400, 403, 404), f"{query[0]}: {answer.content!r}"
    assert b"too long to" not in answer.content, query[0]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.usefixtures("_large_tables")
def test_no_filter_of_the_compute_api_is_costly(
    as_member: ApiClient, as_admin: ApiClient, path: str
) -> None:
    view = view_at(f"compute/v2.1/{path}")
    assert issubclass(view, ComputeView)
    query = view.contracts["GET"].query
    for key in query.at(NEWEST).entries if query else ():
        for value in HOSTILE:
            ask(as_member, f"/{path}", [(key, value)])
        ask(as_admin, f"/{path}", [("all_tenants", "1"), (key, HOSTILE[-5])])
        ask(as_member, f"/{path}", [(key, "a")] * MANY)


@pytest.mark.parametrize("path", SERVICE_LISTS)
@pytest.mark.usefixtures("_large_tables")
def test_no_filter_of_a_neighbour_is_costly(as_member: ApiClient, path: str) -> None:
    view = view_at(path)
    assert issubclass(view, ServiceView)
    marker = first_id(as_member, path)
    for key in (*view.filters, *MORE_KEYS.get(path, ())):
        for value in HOSTILE:
            ask(as_member, f"//{path}", [(key, value)])
        for value in ("a", "name:asc", "name", "1"):
            ask(as_member, f"//{path}", [("marker", marker), *[(key, value)] * MANY])
    ask(as_member, f"//{path}", [("marker", marker), ("sort", ",".join(["name:asc"] * MANY))])


def first_id(client: ApiClient, path: str) -> str:
    listed = client.get(f"//{path}?limit=1", microversion=None).expect(200).json
    rows = next(iter(listed.values()))
    return str(rows[0]["id"]) if rows else "none"


@pytest.mark.parametrize(("pattern", "status"), [("web", 503), ("(a|b|)" * 25, 400)])
@pytest.mark.parametrize("path", ["/servers", "/flavors"])
def test_a_pattern_is_to_blame_only_where_it_costs_much(
    as_member: ApiClient, path: str, pattern: str, status: int
) -> None:
    """The statement takes longer than it may, for whatever reason."""

    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if "~" in sql:
            raise OperationalError("canceled") from QueryCanceled("canceled")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        query = urlencode({"name": pattern})
        answer = as_member.get(f"{path}?{query}", microversion=str(NEWEST)).expect(status)
    assert ("Retry-After" in answer.headers) == (status == 503)

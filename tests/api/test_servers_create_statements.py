"""``POST /servers``: how many SQL statements it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from compute_site.db.pipeline import Message, Pipeline
from servers.models import KeyPair
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_network, make_security_group
from tests.world.orders import Shop, limit

FRAMES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]


@pytest.fixture(autouse=True)
def _room_for_many(cast: Cast) -> None:
    for resource in ("instances", "cores", "ram"):
        limit(resource, -1)


def count(seen: CaptureQueriesContext) -> int:
    """Without the beginnings and ends of transactions."""
    return sum(not query["sql"].startswith(FRAMES) for query in seen.captured_queries)


def statements_of(
    shop: Shop, client: ApiClient, statements: Statements, servers: int, **order: object
) -> int:
    shop.order(client).expect(202)  # the first use of a project makes its rows of usage
    with statements() as seen:
        shop.order(client, min_count=servers, max_count=servers, **order).expect(202)
    return count(seen)


@pytest.mark.parametrize("servers", [1, 100])
def test_servers_without_a_network_take_seven(
    shop: Shop, as_member: ApiClient, statements: Statements, servers: int
) -> None:
    assert statements_of(shop, as_member, statements, servers) <= 7


@pytest.mark.parametrize("servers", [1, 100])
def test_servers_on_a_network_take_nine(
    shop: Shop, as_member: ApiClient, statements: Statements, servers: int
) -> None:
    networks = [{"uuid": str(make_network().pk)}]
    assert statements_of(shop, as_member, statements, servers, networks=networks) <= 9


@pytest.mark.parametrize("servers", [1, 100])
def test_servers_with_everything_but_volumes_and_groups_take_fourteen_at_most(
    shop: Shop, as_member: ApiClient, cast: Cast, statements: Statements, servers: int
) -> None:
    network, group = make_network(), make_security_group()
    KeyPair.objects.create(
        user=cast.member.user, name="key", public_key="ssh-rsa A", fingerprint=""
    )
    taken = statements_of(
        shop,
        as_member,
        statements,
        servers,
        networks=[{"uuid": str(network.pk), "tag": "front"}],
        key_name="key",
        metadata={"role": "web"},
        tags=["blue", "green"],
        security_groups=[{"name": group.name}],
        availability_zone="internal",
        user_data="aGVsbG8=",
        config_drive=True,
        accessIPv4="192.0.2.1",
        description="all of it",
    )
    assert taken <= 14


def test_the_lock_on_the_quota_is_taken_late(
    shop: Shop, as_member: ApiClient, statements: Statements
) -> None:
    shop.order(as_member).expect(202)
    with statements() as seen:
        shop.order(as_member, min_count=3).expect(202)
    queries = [q["sql"] for q in seen.captured_queries if not q["sql"].startswith(FRAMES)]
    lock = next(number for number, sql in enumerate(queries) if "FOR NO KEY UPDATE" in sql)
    assert len(queries) - lock == 3, "the lock, the usage, the rows"


def test_an_order_takes_four_trips_to_the_database(
    shop: Shop, as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = []
    send = Pipeline.send
    networks = [{"uuid": str(make_network().pk)}]
    shop.order(as_member, networks=networks).expect(202)

    def count(pipeline: Pipeline, messages: Sequence[Message]) -> Any:
        trips.append([message.text[:9] for message in messages])
        return send(pipeline, messages)

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "send", count)
        shop.order(as_member, networks=networks).expect(202)

    assert [len(trip) for trip in trips if trip != [b"SAVEPOINT"]] == [1, 4, 2, 3]

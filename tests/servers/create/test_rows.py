"""Rows that are alike, inserted by one statement."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from servers.create.rows import Rows, insert_rows
from servers.models import Instance, KeyPair, Tag
from tests.world.cast import Cast
from tests.world.factories import make_instance


def key_pairs(cast: Cast, *names: str) -> Rows:
    shared = {"user_id": cast.member.user_id, "public_key": "ssh-rsa A", "fingerprint": "f"}
    return Rows(KeyPair, shared, {"name": names})


def test_rows_share_what_does_not_vary_and_take_defaults(cast: Cast) -> None:
    keys = insert_rows(key_pairs(cast, "a", "b", "c"))
    rows = KeyPair.objects.order_by("pk")
    assert keys == [row.pk for row in rows]
    assert [row.name for row in rows] == ["a", "b", "c"]
    assert {(row.type, row.public_key) for row in rows} == {("ssh", "ssh-rsa A")}
    assert len({row.created_at for row in rows}) == 1


@pytest.mark.parametrize("number", [1, 50])
def test_it_takes_one_statement(cast: Cast, number: int) -> None:
    rows = key_pairs(cast, *(f"key-{index}" for index in range(number)))
    with CaptureQueriesContext(connection) as seen:
        insert_rows(rows)
    assert len(seen) == 1


def test_children_get_the_keys_of_their_parents(cast: Cast) -> None:
    parent = make_instance()
    values = {
        field.attname: getattr(parent, field.attname)
        for field in Instance._meta.concrete_fields
        if field.attname not in {"id", "uuid", "display_name"}
    }
    uuids = [f"00000000-0000-4000-8000-{number:012d}" for number in range(3)]
    servers = Rows(Instance, values, {"uuid": uuids, "display_name": ["a", "b", "c"]})
    tags = Rows(Tag, {}, {"tag": ["of-a", "of-b", "of-c"]})
    keys = insert_rows(servers, [tags], link="instance_id")
    found = Tag.objects.order_by("instance").values_list(
        "instance", "instance__display_name", "tag"
    )
    assert list(found) == [
        (keys[0], "a", "of-a"),
        (keys[1], "b", "of-b"),
        (keys[2], "c", "of-c"),
    ]


def test_json_may_vary(cast: Cast) -> None:
    parent = make_instance()
    values = {
        field.attname: getattr(parent, field.attname)
        for field in Instance._meta.concrete_fields
        if field.attname not in {"id", "uuid", "metadata"}
    }
    uuids = [f"00000000-0000-4000-8000-{number:012d}" for number in range(2)]
    insert_rows(Rows(Instance, values, {"uuid": uuids, "metadata": ['{"a": 1}', "{}"]}))
    found = Instance.objects.filter(uuid__in=uuids).order_by("uuid")
    assert [server.metadata for server in found] == [{"a": 1}, {}]


def test_a_value_that_is_too_long_is_not_cut(cast: Cast) -> None:
    with pytest.raises(DataError), transaction.atomic():
        insert_rows(key_pairs(cast, "x" * 256))


def test_constraints_hold(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(key_pairs(cast, "same", "same"))

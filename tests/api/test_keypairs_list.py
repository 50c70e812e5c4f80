"""``GET`` and ``DELETE`` of key pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers.models import KeyPair
from tests.world.cast import Cast, Persona
from tests.world.client import Answer, ApiClient
from tests.world.keys import ED25519, ED25519_FINGERPRINT

URL = "http://testserver/compute/v2.1/os-keypairs"


def keep(persona: Persona, name: str) -> KeyPair:
    return KeyPair.objects.create(
        user_id=persona.user_id,
        name=name,
        public_key=ED25519,
        fingerprint=ED25519_FINGERPRINT,
    )


def names(answer: Answer) -> list[str]:
    return [item["keypair"]["name"] for item in answer.expect(200).json["keypairs"]]


@pytest.fixture
def keys(cast: Cast) -> None:
    for name in ("b", "A", "c", "a"):
        keep(cast.member, name)
    keep(cast.second_member, "other")


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("as_member", ["A", "a", "b", "c"]),
        ("as_second_member", ["other"]),
        ("as_reader", []),
        ("as_manager", []),
        ("as_outsider", []),
        ("as_admin", []),
    ],
)
def test_everyone_sees_the_own_keys_in_the_order_of_their_names(
    client: str, expected: list[str], request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    assert names(caller.get("/os-keypairs")) == expected


@pytest.mark.usefixtures("keys")
def test_an_item_shows_its_type_from_2_2(as_second_member: ApiClient) -> None:
    item = {"name": "other", "public_key": ED25519, "fingerprint": ED25519_FINGERPRINT}
    before = as_second_member.get("/os-keypairs", microversion="2.1").json
    since = as_second_member.get("/os-keypairs", microversion="2.2").json
    assert before == {"keypairs": [{"keypair": item}]}
    assert since == {"keypairs": [{"keypair": item | {"type": "ssh"}}]}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=2", ["A", "a"]),
        ("limit=0", []),
        ("limit=1&limit=3", ["A", "a", "b"]),
        ("marker=a", ["b", "c"]),
        ("marker=a&limit=1", ["b"]),
        ("nosuch=1", ["A", "a", "b", "c"]),
    ],
)
def test_pages_come_with_2_35(as_member: ApiClient, query: str, expected: list[str]) -> None:
    assert names(as_member.get(f"/os-keypairs?{query}", microversion="2.35")) == expected
    assert names(as_member.get(f"/os-keypairs?{query}", microversion="2.34")) == [
        "A",
        "a",
        "b",
        "c",
    ]


@pytest.mark.usefixtures("keys")
def test_a_full_page_links_to_the_next(as_member: ApiClient) -> None:
    answer = as_member.get("/os-keypairs?limit=2&nosuch=1", microversion="2.35").json
    assert answer["keypairs_links"] == [{"rel": "next", "href": f"{URL}?limit=2&marker=a"}]
    assert "keypairs_links" not in as_member.get("/os-keypairs?limit=5", microversion="2.35").json


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("microversion", "query"),
    [
        ("2.35", "limit=-1"),
        ("2.35", "limit=x"),
        ("2.35", "marker=nosuch"),
        ("2.35", "marker=other"),
        ("2.35", "marker="),
        ("2.75", "nosuch=1"),
    ],
)
def test_what_cannot_be_understood_is_refused(
    as_member: ApiClient, microversion: str, query: str
) -> None:
    answer = as_member.get(f"/os-keypairs?{query}", microversion=microversion).expect(400)
    assert answer.blamed == [query.partition("=")[0]]


@pytest.mark.usefixtures("keys")
def test_an_admin_sees_keys_of_others_from_2_10(as_admin: ApiClient, cast: Cast) -> None:
    query = f"?user_id={cast.second_member.user_id}"
    assert names(as_admin.get(f"/os-keypairs{query}", microversion="2.9")) == []
    assert names(as_admin.get(f"/os-keypairs{query}", microversion="2.10")) == ["other"]
    as_admin.get(f"/os-keypairs/other{query}", microversion="2.9").expect(404)
    as_admin.get(f"/os-keypairs/other{query}", microversion="2.10").expect(200)
    assert names(as_admin.get("/os-keypairs?user_id=nobody", microversion="2.10")) == []


@pytest.mark.usefixtures("keys")
def test_of_two_users_the_first_counts(as_admin: ApiClient, cast: Cast) -> None:
    query = f"?user_id={cast.second_member.user_id}&user_id={cast.member.user_id}"
    assert names(as_admin.get(f"/os-keypairs{query}", microversion="2.10")) == ["other"]


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_may_ask_for_keys_of_others(
    client: str, request: pytest.FixtureRequest, cast: Cast
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    query = f"?user_id={cast.second_member.user_id}"
    caller.get(f"/os-keypairs{query}", microversion="2.10").expect(403)
    caller.get(f"/os-keypairs/other{query}", microversion="2.10").expect(403)
    caller.delete(f"/os-keypairs/other{query}", microversion="2.10").expect(403)
    assert KeyPair.objects.filter(name="other").exists()


def test_one_key_is_shown_in_full(as_member: ApiClient, cast: Cast) -> None:
    row = keep(cast.member, "mine")
    shown = as_member.get("/os-keypairs/mine", microversion="2.2").expect(200).json["keypair"]
    assert shown == {
        "id": row.pk,
        "name": "mine",
        "type": "ssh",
        "public_key": ED25519,
        "fingerprint": ED25519_FINGERPRINT,
        "user_id": cast.member.user_id,
        "created_at": row.created_at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    del shown["type"]
    assert as_member.get("/os-keypairs/mine", microversion="2.1").json["keypair"] == shown


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("client", "name"), [("as_member", "B"), ("as_member", "other"), ("as_outsider", "a")]
)
def test_a_key_that_one_does_not_have_is_not_found(
    client: str, name: str, request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    assert caller.get(f"/os-keypairs/{name}").expect(404).fault == "itemNotFound"
    caller.delete(f"/os-keypairs/{name}").expect(404)
    assert KeyPair.objects.count() == 5


@pytest.mark.parametrize(("microversion", "status"), [("2.1", 202), ("2.2", 204)])
def test_a_deleted_key_is_gone(
    as_member: ApiClient, cast: Cast, microversion: str, status: int
) -> None:
    keep(cast.member, "mine")
    keep(cast.second_member, "mine")
    answer = as_member.delete("/os-keypairs/mine", microversion=microversion).expect(status)
    assert answer.content == b""
    as_member.delete("/os-keypairs/mine", microversion=microversion).expect(404)
    assert KeyPair.objects.get().user_id == cast.second_member.user_id


def test_an_admin_deletes_keys_of_others(as_admin: ApiClient, cast: Cast) -> None:
    keep(cast.member, "mine")
    url = f"/os-keypairs/mine?user_id={cast.member.user_id}"
    as_admin.delete(url, microversion="2.9").expect(404)
    as_admin.delete(url, microversion="2.10").expect(204)
    assert not KeyPair.objects.exists()


@pytest.mark.usefixtures("keys")
def test_a_list_costs_the_same_however_long_it_is(
    as_member: ApiClient, cast: Cast, statements: Callable[[], Any]
) -> None:
    as_member.get("/os-keypairs").expect(200)
    with statements() as few:
        as_member.get("/os-keypairs")
    for number in range(5):
        keep(cast.member, f"more {number}")
    with statements() as many:
        as_member.get("/os-keypairs")
    assert len(few) == len(many)

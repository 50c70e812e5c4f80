"""``POST``, ``PUT`` and ``DELETE`` of flavors."""

from __future__ import annotations

from typing import Any

import pytest

from flavors.models import Flavor
from tests.world.client import ApiClient
from tests.world.factories import make_flavor

BODY = {"name": "made", "ram": 64, "vcpus": 2, "disk": 3}


def body(**changes: Any) -> dict[str, Any]:
    return {"flavor": BODY | changes}


def test_a_flavor_is_created_with_defaults_and_an_id_made_up(as_admin: ApiClient) -> None:
    answer = as_admin.post("/flavors", body()).expect(200)
    flavor = Flavor.objects.get(name="made")
    assert answer.json["flavor"]["id"] == flavor.flavorid
    assert len(flavor.flavorid) == 36
    row = (flavor.memory_mb, flavor.vcpus, flavor.root_gb, flavor.ephemeral_gb, flavor.swap)
    assert row == (64, 2, 3, 0, 0)
    assert (flavor.rxtx_factor, flavor.is_public, flavor.disabled) == (1.0, True, False)
    assert flavor.description is None


def test_every_key_reaches_the_row(as_admin: ApiClient) -> None:
    changes = {
        "id": "m1.made",
        "OS-FLV-EXT-DATA:ephemeral": "4",
        "swap": "5",
        "rxtx_factor": "2.5",
        "os-flavor-access:is_public": "no",
        "description": "for tests",
    }
    answer = as_admin.post("/flavors", body(**changes), microversion="2.61").expect(200)
    assert answer.json["flavor"]["extra_specs"] == {}
    flavor = Flavor.objects.get(flavorid="m1.made")
    assert (flavor.ephemeral_gb, flavor.swap, flavor.rxtx_factor) == (4, 5, 2.5)
    assert (flavor.is_public, flavor.description) == (False, "for tests")


@pytest.mark.parametrize(("sent", "kept"), [("a b-c_d.1", "a b-c_d.1"), (12, "12"), (1.5, "1.5")])
def test_an_id_is_a_text_or_a_number(as_admin: ApiClient, sent: object, kept: str) -> None:
    assert as_admin.post("/flavors", body(id=sent)).expect(200).json["flavor"]["id"] == kept


@pytest.mark.parametrize("sent", [None, 0])
def test_null_and_zero_ask_for_an_id(as_admin: ApiClient, sent: object) -> None:
    assert len(as_admin.post("/flavors", body(id=sent)).expect(200).json["flavor"]["id"]) == 36


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", " spaced"),
        ("name", "n" * 256),
        ("id", ""),
        ("id", " a"),
        ("id", "a/b"),
        ("id", "a\n"),
        ("id", True),
        ("ram", 0),
        ("ram", "0"),
        ("vcpus", 2147483648),
        ("disk", -1),
        ("disk", 1.5),
        ("swap", None),
        ("OS-FLV-EXT-DATA:ephemeral", "x"),
        ("rxtx_factor", 0),
        ("rxtx_factor", "0.0"),
        ("rxtx_factor", 3.5e38),
        ("os-flavor-access:is_public", 1),
        ("description", "x" * 65536),
        ("description", "a\u0007"),
        ("nosuch", 1),
    ],
)
def test_a_wrong_value_is_refused_and_named(as_admin: ApiClient, key: str, value: object) -> None:
    answer = as_admin.post("/flavors", body(**{key: value}), microversion="2.55").expect(400)
    assert answer.blamed == [f"flavor.{key}"]
    assert not Flavor.objects.filter(name="made").exists()


@pytest.mark.parametrize(
    ("key", "value", "accepted", "refused"),
    [("description", "x", "2.55", "2.54"), ("rxtx_factor", 2.0, "2.101", "2.102")],
)
def test_keys_are_unknown_outside_their_versions(
    as_admin: ApiClient, key: str, value: object, accepted: str, refused: str
) -> None:
    as_admin.post("/flavors", body(**{key: value}), microversion=refused).expect(400)
    as_admin.post("/flavors", body(**{key: value}), microversion=accepted).expect(200)


def test_the_old_api_strips_names(as_admin: ApiClient) -> None:
    answer = as_admin.post("//compute/v2/flavors", body(name=" made ")).expect(200)
    assert answer.json["flavor"]["name"] == "made"


@pytest.mark.parametrize("taken", [{"id": "taken"}, {"name": "taken"}])
def test_an_id_or_name_can_be_had_once(as_admin: ApiClient, taken: dict[str, str]) -> None:
    make_flavor(flavorid="taken", name="taken")
    answer = as_admin.post("/flavors", body(**taken)).expect(409)
    assert answer.fault == "conflictingRequest"
    assert "taken" in answer.message


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_changes_flavors(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    make_flavor(flavorid="f")
    caller.post("/flavors", body()).expect(403)
    caller.put("/flavors/f", {"flavor": {"description": "x"}}, microversion="2.55").expect(403)
    caller.delete("/flavors/f").expect(403)
    caller.delete("/flavors/nosuch").expect(403)
    assert Flavor.objects.get().description is None


def test_a_description_can_be_changed_from_2_55(as_admin: ApiClient) -> None:
    make_flavor(flavorid="f", extra_specs={"a": "b"})
    change = {"flavor": {"description": "new"}}
    as_admin.put("/flavors/f", change, microversion="2.54").expect(404)
    answer = as_admin.put("/flavors/f", change, microversion="2.55").expect(200)
    assert answer.json["flavor"]["description"] == "new"
    assert "extra_specs" not in answer.json["flavor"]
    answer = as_admin.put("/flavors/f", {"flavor": {"description": None}}, microversion="2.61")
    assert answer.expect(200).json["flavor"]["extra_specs"] == {"a": "b"}
    assert Flavor.objects.get(flavorid="f").description is None


def test_an_unknown_flavor_cannot_be_described(as_admin: ApiClient) -> None:
    change = {"flavor": {"description": "new"}}
    as_admin.put("/flavors/nosuch", change, microversion="2.55").expect(404)


@pytest.mark.parametrize("sent", [{}, {"flavor": {}}, {"flavor": {"description": "x", "ram": 1}}])
def test_a_change_holds_the_description_alone(as_admin: ApiClient, sent: object) -> None:
    make_flavor(flavorid="f")
    as_admin.put("/flavors/f", sent, microversion="2.55").expect(400)


def test_a_deleted_flavor_is_gone_and_its_id_free(as_admin: ApiClient) -> None:
    make_flavor(flavorid="f", name="made")
    answer = as_admin.delete("/flavors/f").expect(202)
    assert answer.content == b""
    as_admin.delete("/flavors/f").expect(404)
    as_admin.post("/flavors", body(id="f")).expect(200)

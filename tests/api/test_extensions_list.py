"""``/extensions``: what old clients look up before they ask for something."""

from __future__ import annotations

import pytest

from tests.world.client import ApiClient

KEYS = {"alias", "name", "description", "links", "namespace", "updated"}


@pytest.mark.parametrize(
    "client", ["as_reader", "as_member", "as_manager", "as_outsider", "as_admin"]
)
def test_everyone_sees_the_parts_of_the_api(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    listed = caller.get("/extensions").expect(200).json["extensions"]
    assert all(set(extension) == KEYS for extension in listed)
    aliases = [extension["alias"] for extension in listed]
    assert {"os-keypairs", "OS-DCF", "os-server-groups"} <= set(aliases)
    assert len(set(aliases)) == len(aliases)


def test_one_part_is_shown_by_its_alias(as_member: ApiClient) -> None:
    shown = as_member.get("/extensions/os-keypairs").expect(200).json["extension"]
    assert (shown["alias"], shown["name"], shown["links"]) == ("os-keypairs", "Keypairs", [])
    assert shown in as_member.get("/extensions").json["extensions"]


def test_an_unknown_part_is_not_found(as_member: ApiClient) -> None:
    assert as_member.get("/extensions/nosuch").expect(404).fault == "itemNotFound"


def test_the_old_api_has_one_part_more(as_member: ApiClient) -> None:
    as_member.get("/extensions/OS-EXT-VIF-NET").expect(404)
    as_member.get("//compute/v2/extensions/OS-EXT-VIF-NET").expect(200)
    old = as_member.get("//compute/v2/extensions").expect(200).json["extensions"]
    new = as_member.get("/extensions").json["extensions"]
    aliases = [extension["alias"] for extension in old]
    assert len(old) == len(new) + 1
    assert aliases == sorted(aliases)


@pytest.mark.parametrize("path", ["/extensions", "/extensions/os-keypairs"])
@pytest.mark.parametrize(("microversion", "status"), [("2.101", 200), ("2.102", 400)])
def test_the_query_string_becomes_strict(
    as_member: ApiClient, path: str, microversion: str, status: int
) -> None:
    as_member.get(f"{path}?nosuch=1", microversion=microversion).expect(status)

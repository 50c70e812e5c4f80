"""``POST /servers``: both sides of every edge between microversions, read off the serializer."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.api.microversions.history import History
from compute_site.api.microversions.version import LEGACY, Microversion
from servers.models import Instance
from servers.serializers.server_create import ServerCreate
from tests.world.client import Answer, ApiClient
from tests.world.orders import Shop
from tests.world.samples import Place, edges, histories, path_of, put, sample

HISTORIES = dict(histories(ServerCreate))
EDGES = [
    (place, before, after)
    for place, history in HISTORIES.items()
    for before, after in edges(history)
]
CHANGES_OF_KEY = [
    edge
    for edge in EDGES
    if (HISTORIES[edge[0]].at(edge[1]) is None) != (HISTORIES[edge[0]].at(edge[2]) is None)
]
CHANGES_OF_FORM = [edge for edge in EDGES if edge not in CHANGES_OF_KEY]


def send(client: ApiClient, body: dict[str, Any], version: Microversion) -> Answer:
    if version == LEGACY:
        return client.post("//compute/v2/servers", body, microversion=None)
    return client.post("/servers", body, microversion=str(version))


def name_of(edge: tuple[Place, Microversion, Microversion]) -> str:
    return f"{path_of(edge[0])}@{edge[1]}-{edge[2]}"


def with_key(shop: Shop, place: Place, version: Microversion) -> dict[str, Any]:
    """An order at the version that uses the key, in its form there or, if unknown, any form."""
    history: History = HISTORIES[place]
    forms = [form for form in history.forms.values() if form is not None]
    form = history.at(version) or forms[0]
    body = shop.body(networks=None if version < Microversion(2, 37) else "none")
    if "block_device_mapping_v2" in place:
        body = put(body, place[:-1], shop.root())
    return put(body, place, sample(form, version))


@pytest.mark.parametrize("edge", CHANGES_OF_KEY, ids=name_of)
def test_a_key_is_unknown_on_one_side_of_its_edge(
    shop: Shop, as_admin: ApiClient, edge: tuple[Place, Microversion, Microversion]
) -> None:
    place, *sides = edge
    for version in sides:
        answer = send(as_admin, with_key(shop, place, version), version)
        unknown = (
            answer.status == 400
            and {
                "field": path_of(place),
                "code": "unknown_key",
            }.items()
            <= (answer.errors or [{}])[0].items()
        )
        assert unknown is (HISTORIES[place].at(version) is None), answer.content
        if unknown:
            assert "microversion 2." in answer.errors[0]["detail"]
            assert f"asked for {version}" in answer.errors[0]["detail"]


ODD_UUID = {"uuid": "no-uuid"}
OF_FORM: dict[tuple[str, str], tuple[Place, Any]] = {
    ("server.name", "2.1"): (("server", "name"), " web "),
    ("server.key_name", "2.1"): (("server", "key_name"), " key "),
    ("server.availability_zone", "2.1"): (("server", "availability_zone"), " nova "),
    ("server.security_groups.0.name", "2.1"): (("server", "security_groups"), [{"name": " x "}]),
    ("server.user_data", "2.1"): (("server", "user_data"), None),
    ("server.networks.0.uuid", "2.37"): (("server", "networks"), [ODD_UUID]),
    ("server.hostname", "2.94"): (("server", "hostname"), "web.example.org"),
}
"""For each edge where the form changes: a value that one side alone takes."""


def test_no_change_of_form_is_forgotten() -> None:
    changes = {(path_of(place), str(after)) for place, _, after in CHANGES_OF_FORM}
    assert changes - {("server.networks", "2.37")} == set(OF_FORM)


@pytest.mark.parametrize("case", OF_FORM, ids="@".join)
def test_a_form_holds_on_one_side_of_its_edge(
    shop: Shop, as_admin: ApiClient, case: tuple[str, str]
) -> None:
    path, after = case
    place, value = OF_FORM[case]
    edge = next(e for e in CHANGES_OF_FORM if path_of(e[0]) == path and str(e[2]) == after)
    outcomes = []
    for version in edge[1:]:
        body = shop.body(networks=None if version < Microversion(2, 37) else "none")
        answer = send(as_admin, put(body, place, value), version)
        codes = {error["field"]: error["code"] for error in answer.errors}
        outcomes.append(codes.get(path) in ("name", "uuid", "pattern", "wrong_type"))
    assert sorted(outcomes) == [False, True]


def test_networks_are_required_and_may_be_words_from_2_37(shop: Shop, as_member: ApiClient) -> None:
    for networks, before, after in ((None, 202, 400), ("none", 400, 202), ([], 202, 202)):
        statuses = [
            shop.order(as_member, microversion=version, networks=networks).status
            for version in ("2.36", "2.37")
        ]
        assert statuses == [before, after]
    assert Instance.objects.count() == 4

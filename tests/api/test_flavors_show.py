"""``GET /flavors/{id}``: every key at every version, and who sees what."""

from __future__ import annotations

import pytest
from guardian.shortcuts import remove_perm

from compute_site.identity.models import ProjectRole
from flavors.models import FlavorAccess
from flavors.policies import SPECS_INDEX
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor

URL = "http://testserver/compute"
SHOWN = {
    "id": "f",
    "name": "f1",
    "ram": 512,
    "disk": 1,
    "swap": "",
    "OS-FLV-EXT-DATA:ephemeral": 7,
    "OS-FLV-DISABLED:disabled": True,
    "vcpus": 1,
    "os-flavor-access:is_public": True,
    "rxtx_factor": 1.5,
    "links": [
        {"rel": "self", "href": f"{URL}/v2.1/flavors/f"},
        {"rel": "bookmark", "href": f"{URL}/flavors/f"},
    ],
}


@pytest.fixture(autouse=True)
def _flavor(cast: Cast) -> None:
    make_flavor(
        flavorid="f",
        name="f1",
        ephemeral_gb=7,
        rxtx_factor=1.5,
        disabled=True,
        description="about it",
        extra_specs={"hw:numa_nodes": "1"},
    )


def show(client: ApiClient, microversion: str) -> dict[str, object]:
    answer = client.get("/flavors/f", microversion=microversion).expect(200)
    flavor: dict[str, object] = answer.json["flavor"]
    return flavor


def test_a_flavor_is_shown_in_full_at_2_1(as_member: ApiClient) -> None:
    assert show(as_member, "2.1") == SHOWN


@pytest.mark.parametrize(
    ("versions", "key", "old", "new"),
    [
        (("2.54", "2.55"), "description", None, "about it"),
        (("2.60", "2.61"), "extra_specs", None, {"hw:numa_nodes": "1"}),
        (("2.74", "2.75"), "swap", "", 0),
        (("2.101", "2.102"), "rxtx_factor", 1.5, None),
        (("2.101", "2.102"), "OS-FLV-DISABLED:disabled", True, None),
    ],
)
def test_each_key_changes_at_its_version(
    as_member: ApiClient, versions: tuple[str, str], key: str, old: object, new: object
) -> None:
    before, since = versions
    assert show(as_member, before).get(key) == old
    assert show(as_member, since).get(key) == new


def test_extra_specs_are_left_out_for_those_who_may_not_list_them(
    as_reader: ApiClient, cast: Cast
) -> None:
    group = ProjectRole.objects.get(project=cast.alpha, role="reader").group
    remove_perm(SPECS_INDEX, group, cast.alpha)
    assert "extra_specs" not in show(as_reader, "2.61")


def test_a_private_flavor_is_unknown_but_to_its_projects_and_admins(
    cast: Cast, as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient
) -> None:
    flavor = make_flavor(flavorid="private", is_public=False)
    FlavorAccess.objects.create(flavor=flavor, project=cast.alpha)
    as_member.get("/flavors/private").expect(200)
    as_admin.get("/flavors/private").expect(200)
    assert as_outsider.get("/flavors/private").expect(404).fault == "itemNotFound"


def test_an_unknown_flavor_is_404(as_member: ApiClient) -> None:
    assert "nosuch" in as_member.get("/flavors/nosuch").expect(404).message


@pytest.mark.parametrize(("microversion", "status"), [("2.101", 200), ("2.102", 400)])
def test_unknown_query_keys_are_refused_from_2_102(
    as_member: ApiClient, microversion: str, status: int
) -> None:
    as_member.get("/flavors/f?nosuch=1", microversion=microversion).expect(status)

"""``/os-networks`` and ``/os-tenant-networks``, until 2.35."""

from __future__ import annotations

import pytest

from compute_site.neighbours.network.models import Network
from tests.world.cast import ALPHA, BETA
from tests.world.client import ApiClient
from tests.world.factories import make_network

PATHS = ("/os-networks", "/os-tenant-networks")


@pytest.fixture
def networks(cast: object) -> dict[str, Network]:
    return {
        "own": make_network(name="own", project_id=ALPHA),
        "shared": make_network(name="shared", project_id=BETA, shared=True),
        "foreign": make_network(name="foreign", project_id=BETA),
    }


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("as_reader", {"own", "shared"}),
        ("as_member", {"own", "shared"}),
        ("as_manager", {"own", "shared"}),
        ("as_outsider", {"foreign", "shared"}),
    ],
)
def test_a_project_sees_its_own_and_shared_networks(
    path: str, client: str, expected: set[str], request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    listed = caller.get(path, microversion="2.35").expect(200).json["networks"]
    assert {network["label"] for network in listed} == expected


def test_a_network_shows_little(
    as_member: ApiClient, as_admin: ApiClient, networks: dict[str, Network]
) -> None:
    own = networks["own"]
    for_member = as_member.get(f"/os-networks/{own.pk}").expect(200).json["network"]
    for_admin = as_admin.get(f"/os-networks/{own.pk}").expect(200).json["network"]
    assert (for_member.pop("id"), for_member.pop("label")) == (str(own.pk), "own")
    assert set(for_member.values()) == {None}
    assert {"vlan", "project_id"} <= set(for_admin) - set(for_member)
    tenant = as_member.get(f"/os-tenant-networks/{own.pk}").expect(200).json
    assert tenant == {"network": {"id": str(own.pk), "label": "own", "cidr": "None"}}


@pytest.mark.parametrize("path", PATHS)
def test_a_network_that_one_may_not_see_is_not_found(
    as_member: ApiClient, networks: dict[str, Network], path: str
) -> None:
    as_member.get(f"{path}/{networks['foreign'].pk}").expect(404)
    as_member.get(f"{path}/nosuch").expect(404)


@pytest.mark.parametrize("path", PATHS)
def test_networks_went_away_with_2_36(
    as_member: ApiClient, networks: dict[str, Network], path: str
) -> None:
    as_member.get(path, microversion="2.36").expect(404)
    as_member.get(f"{path}/{networks['own'].pk}", microversion="2.36").expect(404)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("microversion", ["2.1", "2.104"])
def test_writes_are_gone_at_every_version(
    as_admin: ApiClient, networks: dict[str, Network], path: str, microversion: str
) -> None:
    as_admin.post(path, {"network": {}}, microversion=microversion).expect(410)
    url = f"{path}/{networks['own'].pk}"
    as_admin.delete(url, microversion=microversion).expect(410)
    assert Network.objects.filter(name="own").exists()

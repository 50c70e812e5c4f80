"""A build order survives the queue."""

from __future__ import annotations

import json

import pytest

from compute_site.neighbours.network.protocol import NicRequest
from servers.build.order import BuildOrder, Owner

OWNER = Owner(
    user_id="u",
    user_name="member",
    project_id="p",
    project_name="alpha",
    roles=("member", "reader"),
    rules=("network:attach_external_network",),
)


@pytest.mark.parametrize("networks", ["auto", "none", (), ({"network_id": "n", "tag": "t"},)])
def test_through_json_and_back(networks: str | tuple[dict[str, str], ...]) -> None:
    order = BuildOrder(
        server_id="s",
        node_id=1,
        owner=OWNER,
        networks=networks,
        files=({"path": "/a", "contents": ""},),
        alternates=(2, 3),
    )
    assert BuildOrder.from_json(json.loads(json.dumps(order.as_json()))) == order


def test_the_owner_is_a_caller_with_the_rights_of_building() -> None:
    caller = OWNER.as_caller()
    assert caller.may("network:attach_external_network")
    assert not caller.may("os_compute_api:servers:create")
    assert caller.roles == {"member", "reader"}


def test_networks_become_requests_for_cards() -> None:
    nic = {"network_id": "n", "fixed_ip": None, "port_id": None, "pci_request_id": "x"}
    order = BuildOrder(server_id="s", node_id=1, owner=OWNER, networks=(nic,))
    assert order.nic_requests == (NicRequest(network_id="n"),)

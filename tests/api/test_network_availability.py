"""Zones, agents and the use of addresses in the network API."""

from __future__ import annotations

import pytest

from compute_site.neighbours.network.models import FixedIp
from tests.world.cast import ALPHA, UNKNOWN_ID
from tests.world.client import ApiClient
from tests.world.factories import make_network, make_port

pytestmark = pytest.mark.django_db
V2 = "//network/v2.0"


def test_the_zones_are_those_of_the_options(as_reader: ApiClient) -> None:
    found = as_reader.get(f"{V2}/availability_zones").expect(200).json["availability_zones"]
    assert found == [
        {"name": "nova", "resource": "network", "state": "available"},
        {"name": "nova", "resource": "router", "state": "available"},
    ]
    only = as_reader.get(f"{V2}/availability_zones?resource=router&name=nova").expect(200)
    assert [zone["resource"] for zone in only.json["availability_zones"]] == ["router"]
    as_reader.get(f"{V2}/availability_zones?colour=red").expect(400)


def test_a_network_keeps_the_hint_of_a_zone(as_member: ApiClient) -> None:
    hints = {"availability_zone_hints": ["nova"]}
    made = as_member.post(f"{V2}/networks", {"network": hints}).expect(201).json["network"]
    assert made["availability_zone_hints"] == ["nova"]
    unknown = {"network": {"availability_zone_hints": ["moon"]}}
    as_member.post(f"{V2}/networks", unknown).expect(404)
    as_member.put(f"{V2}/networks/{made['id']}", {"network": hints}).expect(400)


def test_there_are_no_agents(as_admin: ApiClient) -> None:
    assert as_admin.get(f"{V2}/agents?binary=neutron-dhcp-agent").expect(200).json["agents"] == []
    as_admin.get(f"{V2}/agents?colour=red").expect(400)
    as_admin.get(f"{V2}/agents/{UNKNOWN_ID}").expect(404)


def test_admins_see_how_many_addresses_are_in_use(
    as_admin: ApiClient, as_manager: ApiClient
) -> None:
    network = make_network(project_id=ALPHA, name="busy")
    within = network.subnets.get()
    address = within.cidr.replace(".0/24", ".9")
    FixedIp.objects.create(port=make_port(network), network=network, subnet=within, address=address)
    make_network(subnet=False, name="bare")
    url = f"{V2}/network-ip-availabilities"

    one = as_admin.get(f"{url}/{network.pk}").expect(200).json["network_ip_availability"]
    assert (one["total_ips"], one["used_ips"]) == (253, 1)
    [told] = one["subnet_ip_availability"]
    assert (told["subnet_id"], told["total_ips"], told["used_ips"]) == (str(within.pk), 253, 1)

    def names(query: str) -> list[str]:
        found = as_admin.get(f"{url}?{query}").expect(200).json["network_ip_availabilities"]
        return [use["network_name"] for use in found]

    assert names("") == ["bare", "busy"]
    assert names("ip_version=4") == ["busy"]
    assert names("ip_version=6") == []
    assert names("network_name=bare") == ["bare"]
    assert names(f"network_id={network.pk}&project_id={ALPHA}") == ["busy"]
    as_admin.get(f"{url}?colour=red").expect(400)

    assert as_manager.get(url).expect(200).json["network_ip_availabilities"] == []
    as_manager.get(f"{url}/{network.pk}").expect(404)

"""QoS policies of the network API, and what ports ask of hosts by them."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.local.nic_plans import plan_nics
from compute_site.neighbours.network.models import Network, Port, QosPolicy, QosRule
from compute_site.neighbours.network.protocol import NicFailed, NicRequest
from tests.world.cast import ALPHA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network
from tests.world.granted import caller_of
from tests.world.services import new_server_id

V2 = "//network/v2.0"
QOS = f"{V2}/qos/policies"
GUARANTEED, PACKETS = "minimum_bandwidth_rules", "minimum_packet_rate_rules"
LIMIT, MARKS = "bandwidth_limit_rules", "dscp_marking_rules"


@pytest.fixture
def network(cast: Cast) -> Network:
    return make_network(project_id=ALPHA, physical_network="phys-net0", network_type="vlan")


@pytest.fixture
def policy(cast: Cast) -> QosPolicy:
    return QosPolicy.objects.create(name="gold", project_id=ALPHA)


def add(client: ApiClient, policy: QosPolicy, kind: str, **keys: Any) -> Answer:
    return client.post(f"{QOS}/{policy.pk}/{kind}", {kind.removesuffix("s"): keys})


def port_on(client: ApiClient, network: Network, **fields: Any) -> dict[str, Any]:
    body = {"port": {"network_id": str(network.pk), **fields}}
    made: dict[str, Any] = client.post(f"{V2}/ports", body).expect(201).json["port"]
    return made


def resources(port_id: str) -> dict[str, int] | None:
    """What the port asks for in all."""
    asked = Port.objects.get(pk=port_id).resource_request
    if asked is None:
        return None
    return {key: n for group in asked["request_groups"] for key, n in group["resources"].items()}


def test_a_policy_is_made_shown_changed_and_deleted(
    as_manager: ApiClient, as_reader: ApiClient, as_outsider: ApiClient
) -> None:
    body = {"policy": {"name": "gold", "description": "d"}}
    made = as_manager.post(QOS, body).expect(201).json["policy"]
    assert (made["name"], made["description"], made["shared"]) == ("gold", "d", False)
    assert made["rules"] == []
    path = f"{QOS}/{made['id']}"
    assert as_reader.get(QOS).expect(200).json["policies"] == [made]
    assert as_reader.get(f"{QOS}?name=silver").json["policies"] == []
    as_reader.get(f"{QOS}?colour=red").expect(400)
    as_outsider.get(path).expect(404)
    changed = as_manager.put(path, {"policy": {"name": "silver"}}).expect(200).json["policy"]
    assert changed["name"] == "silver"
    for wrong in ({"colour": 1}, {"is_default": True}, {"name": None}):
        as_manager.post(QOS, {"policy": wrong}).expect(400)
    as_manager.delete(path).expect(204)
    as_manager.get(path).expect(404)
    types = as_reader.get(f"{V2}/qos/rule-types").expect(200).json["rule_types"]
    kinds = ["bandwidth_limit", "dscp_marking", "minimum_bandwidth", "minimum_packet_rate"]
    assert [one["type"] for one in types] == kinds
    shown = as_reader.get(f"{V2}/qos/rule-types/dscp_marking").expect(200).json["rule_type"]
    assert shown == {"type": "dscp_marking", "drivers": []}
    as_reader.get(f"{V2}/qos/rule-types/colour").expect(404)


def test_packets_are_marked(as_manager: ApiClient, as_reader: ApiClient, policy: QosPolicy) -> None:
    made = add(as_manager, policy, MARKS, dscp_mark="26").expect(201).json["dscp_marking_rule"]
    assert made == {"id": made["id"], "dscp_mark": 26}
    add(as_manager, policy, MARKS, dscp_mark=16).expect(409)
    path = f"{QOS}/{policy.pk}/{MARKS}"
    for wrong in ({}, {"dscp_mark": 41}, {"dscp_mark": 8, "direction": "egress"}):
        add(as_manager, policy, MARKS, **wrong).expect(400)
    changed = as_manager.put(f"{path}/{made['id']}", {"dscp_marking_rule": {"dscp_mark": 8}})
    assert changed.expect(200).json["dscp_marking_rule"]["dscp_mark"] == 8
    assert as_reader.get(f"{path}?dscp_mark=26").json[MARKS] == []
    as_reader.get(f"{path}?direction=egress").expect(400)
    [shown] = as_reader.get(f"{QOS}/{policy.pk}").json["policy"]["rules"]
    assert (shown["type"], shown["dscp_mark"]) == ("dscp_marking", 8)


@pytest.mark.parametrize("where", ["qos/policies", "policies"])
def test_policies_have_tags(as_manager: ApiClient, policy: QosPolicy, where: str) -> None:
    path = f"{V2}/{where}/{policy.pk}/tags"
    assert as_manager.put(path, {"tags": ["a", "b"]}).expect(200).json == {"tags": ["a", "b"]}
    as_manager.delete(f"{path}/a").expect(204)
    [found] = as_manager.get(f"{QOS}?tags=b").expect(200).json["policies"]
    assert (found["tags"], found["is_default"]) == (["b"], False)
    assert as_manager.get(f"{QOS}?not-tags=b").json["policies"] == []


def test_rules_are_made_shown_changed_and_deleted(
    as_manager: ApiClient, as_reader: ApiClient, policy: QosPolicy
) -> None:
    made = add(as_manager, policy, LIMIT, max_kbps="100").expect(201)
    rule = made.json["bandwidth_limit_rule"]
    assert (rule["max_kbps"], rule["max_burst_kbps"], rule["direction"]) == (100, 0, "egress")
    add(as_manager, policy, LIMIT, max_kbps=5).expect(409)
    add(as_manager, policy, LIMIT, max_kbps=5, direction="ingress").expect(201)
    path = f"{QOS}/{policy.pk}/{LIMIT}"
    assert len(as_reader.get(path).expect(200).json[LIMIT]) == 2
    assert as_reader.get(f"{path}?max_kbps=100").json[LIMIT] == [rule]
    changed = as_manager.put(f"{path}/{rule['id']}", {"bandwidth_limit_rule": {"max_kbps": 7}})
    assert changed.expect(200).json["bandwidth_limit_rule"]["max_kbps"] == 7
    shown = as_reader.get(f"{QOS}/{policy.pk}").json["policy"]["rules"]
    assert {one["type"] for one in shown} == {"bandwidth_limit"}
    as_reader.get(f"{QOS}/{policy.pk}/{GUARANTEED}/{rule['id']}").expect(404)
    as_manager.delete(f"{path}/{rule['id']}").expect(204)
    add(as_manager, policy, PACKETS, min_kpps=5, direction="any").expect(201)
    add(as_manager, policy, PACKETS, min_kpps=5).expect(409)
    for wrong in ({}, {"min_kbps": -1}, {"min_kbps": 1, "direction": "any"}, {"min_kbps": None}):
        add(as_manager, policy, GUARANTEED, **wrong).expect(400)
    as_manager.get(f"{QOS}/{UNKNOWN_ID}/{LIMIT}").expect(404)


def test_a_port_asks_for_what_its_policy_says(
    as_manager: ApiClient, as_admin: ApiClient, network: Network, policy: QosPolicy
) -> None:
    port = port_on(as_manager, network, qos_policy_id=str(policy.pk))
    assert resources(port["id"]) is None
    made = add(as_manager, policy, GUARANTEED, min_kbps=1000).expect(201).json
    add(as_manager, policy, PACKETS, min_kpps=5, direction="any").expect(201)
    shown = as_admin.get(f"{V2}/ports/{port['id']}").json["port"]["resource_request"]
    bandwidth, packets = shown["request_groups"]
    assert bandwidth["required"] == ["CUSTOM_PHYSNET_PHYS_NET0", "CUSTOM_VNIC_TYPE_NORMAL"]
    assert bandwidth["resources"] == {"NET_BW_EGR_KILOBIT_PER_SEC": 1000}
    assert packets["required"] == ["CUSTOM_VNIC_TYPE_NORMAL"]
    assert packets["resources"] == {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 5}
    assert shown["same_subtree"] == [bandwidth["id"], packets["id"]]

    as_manager.delete(f"{QOS}/{policy.pk}").expect(409)
    rule = f"{QOS}/{policy.pk}/{GUARANTEED}/{made['minimum_bandwidth_rule']['id']}"
    as_manager.put(rule, {"minimum_bandwidth_rule": {"direction": "ingress"}}).expect(200)
    assert resources(port["id"]) == {
        "NET_BW_IGR_KILOBIT_PER_SEC": 1000,
        "NET_PACKET_RATE_KILOPACKET_PER_SEC": 5,
    }
    path = f"{V2}/ports/{port['id']}"
    as_manager.put(path, {"port": {"qos_policy_id": UNKNOWN_ID}}).expect(404)
    as_manager.put(path, {"port": {"qos_policy_id": None}}).expect(200)
    assert resources(port["id"]) is None
    as_manager.delete(f"{QOS}/{policy.pk}").expect(204)


def test_ports_follow_the_policy_of_their_network(
    as_manager: ApiClient, network: Network, policy: QosPolicy
) -> None:
    QosRule.objects.create(policy=policy, kind="minimum_bandwidth", amount=9)
    before = port_on(as_manager, network)
    body = {"network": {"qos_policy_id": str(policy.pk)}}
    shown = as_manager.put(f"{V2}/networks/{network.pk}", body).expect(200).json["network"]
    assert shown["qos_policy_id"] == str(policy.pk)
    after = port_on(as_manager, network)
    asked = {"NET_BW_EGR_KILOBIT_PER_SEC": 9}
    assert resources(before["id"]) == resources(after["id"]) == asked
    tunnel = make_network(project_id=ALPHA)
    port = port_on(as_manager, tunnel, qos_policy_id=str(policy.pk))
    assert resources(port["id"]) is None


def test_what_servers_have_of_hosts_is_not_changed(
    as_manager: ApiClient, network: Network, policy: QosPolicy
) -> None:
    port = port_on(as_manager, network, qos_policy_id=str(policy.pk))
    held = {"device_id": new_server_id(), "device_owner": "compute:nova"}
    Port.objects.filter(pk=port["id"]).update(**held)
    add(as_manager, policy, LIMIT, max_kbps=5).expect(201)
    add(as_manager, policy, GUARANTEED, min_kbps=5).expect(409)
    assert resources(port["id"]) is None


def test_a_server_needs_a_port_where_the_network_guarantees_something(
    network: Network, policy: QosPolicy, cast: Cast
) -> None:
    """Which host has it must be known before the host is chosen."""
    Network.objects.filter(pk=network.pk).update(qos_policy=policy)
    request, caller = NicRequest(network_id=str(network.pk)), caller_of(cast.member)
    [plan] = plan_nics(caller, [request])
    assert plan.network.pk == network.pk
    QosRule.objects.create(policy=policy, kind="minimum_bandwidth", amount=9)
    with pytest.raises(NicFailed, match="port that exists"):
        plan_nics(caller, [request])

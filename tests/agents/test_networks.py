"""What hosts are told of networks and guests, and that they hear of changes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from compute_site.neighbours import network_service
from compute_site.neighbours.network.local.interfaces import join_subnet
from compute_site.neighbours.network.models import (
    AddressGroup,
    FixedIp,
    Network,
    Port,
    SecurityGroup,
    SecurityGroupRule,
)
from servers.agent.hypervisor.pretend import Pretend
from servers.agent.loop import Agent
from servers.agent.network.none import NoWires
from servers.agent.settings import Identity, Settings, load
from servers.host_orders.take import purge_orders
from servers.hosts.agents import add_host
from servers.models import HostAgent, HostOrder, Instance, RequestSpec, Service
from servers.models.cell import CELL1
from servers.placement.find import find_hosts
from servers.placement.report import NoValidHost
from tests.agents.test_host_api import BEAT, Host, joined
from tests.world.agents import QUICK, at_work, jobs_at_work, join, make_agent, wait_until
from tests.world.cast import ALPHA, make_cast
from tests.world.client import ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_network,
    make_port,
    make_router,
    make_security_group,
)
from tests.world.jobs import run_jobs

V2 = "//network/v2.0"
MOST_QUERIES = 23


@pytest.fixture
def host(db: None) -> Host:
    return joined("real")


@pytest.fixture
def other(db: None) -> Host:
    return joined("other")


def plugged(network: Network, host: str, *groups: SecurityGroup, **more: Any) -> Port:
    """A port of a server on the host, with an address."""
    server = make_instance(host=host, node=host)
    port = make_port(
        network,
        device_id=str(server.uuid),
        device_owner="compute:nova",
        binding_host=host,
        **more,
    )
    subnet = network.subnets.get(ip_version=4)
    number = FixedIp.objects.filter(network=network).count() + 10
    address = subnet.cidr.replace(".0/24", f".{number}")
    FixedIp.objects.create(port=port, network=network, subnet=subnet, address=address)
    port.security_groups.set(groups)
    return port


def address_of(port: Port) -> str:
    return str(port.fixed_ips.get().address)


def told(host: Host, network: Network) -> dict[str, Any]:
    status, answer = host.get(f"networks/{network.pk}")
    assert status == 200, answer
    return dict(answer)


def hints(host: Host) -> list[str]:
    """The networks that the host shall ask about, which it is told once."""
    orders = host.orders()
    for order in orders:
        assert order["task"] == "network_changed"
        assert host.post(f"orders/{order['id']}/done", {"ok": True})[0] == 200
    return sorted(order["server_id"] for order in orders)


# what they are told


def test_a_host_is_told_where_each_port_is_and_the_rules_of_its_own(
    host: Host, other: Host
) -> None:
    host.post("heartbeat", BEAT | {"wires": {"tunnel_address": "192.0.2.1"}})
    other.post("heartbeat", BEAT | {"wires": {"tunnel_address": "192.0.2.2"}})
    network, group = make_network(), make_security_group()
    SecurityGroupRule.objects.create(group=group, direction="ingress", remote_group=group)
    mine, theirs = plugged(network, "real", group), plugged(network, "other", group)
    seen = told(host, network)
    places = {place["id"]: (place["host"], place["addresses"]) for place in seen["places"]}
    assert places == {
        str(mine.pk): ("real", [address_of(mine)]),
        str(theirs.pk): ("other", [address_of(theirs)]),
    }
    [port] = seen["ports"]
    assert (port["id"], port["server_id"]) == (str(mine.pk), mine.device_id)
    [rule] = port["rules"]
    assert sorted(rule["remotes"]) == sorted([address_of(mine), address_of(theirs)])
    assert seen["tunnels"] == {"other": "192.0.2.2"}
    assert told(other, network)["tunnels"] == {"real": "192.0.2.1"}
    [subnet] = seen["subnets"]
    assert subnet["cidr"] == network.subnets.get().cidr


def test_a_server_that_moves_while_it_runs_is_expected_on_both_hosts(
    host: Host, other: Host
) -> None:
    host.post("heartbeat", BEAT | {"wires": {"tunnel_address": "192.0.2.1"}})
    other.post("heartbeat", BEAT | {"wires": {"tunnel_address": "192.0.2.2"}})
    network, group = make_network(), make_security_group()
    SecurityGroupRule.objects.create(group=group, direction="ingress")
    port = plugged(network, "real", group)
    known = {"host": "real", "moving": False}

    def place_of(seen: dict[str, Any]) -> dict[str, Any]:
        [place] = seen["places"]
        return {key: place[key] for key in known}

    assert (place_of(told(host, network)), told(host, network)["tunnels"]) == (known, {})

    network_service().prepare_move(port.device_id, "other")
    network_service().prepare_move(port.device_id, "other")  # by a job that begins anew
    here, there = told(host, network), told(other, network)
    assert place_of(here) == place_of(there) == known | {"moving": True}
    assert (here["tunnels"], there["tunnels"]) == ({"other": "192.0.2.2"}, {"real": "192.0.2.1"})
    assert [len(one["rules"]) for one in there["ports"]] == [1]

    network_service().forget_move(port.device_id, "other")
    assert (place_of(told(host, network)), other.get(f"networks/{network.pk}")[0]) == (known, 404)

    network_service().prepare_move(port.device_id, "other")
    network_service().rebind(port.device_id, "other")
    assert place_of(told(other, network)) == {"host": "other", "moving": False}
    assert host.get(f"networks/{network.pk}")[0] == 404


def test_a_host_without_servers_there_is_told_nothing(host: Host, other: Host) -> None:
    network = make_network()
    plugged(network, "real")
    assert other.get(f"networks/{network.pk}")[0] == 404
    assert host.get(f"networks/{uuid.UUID(int=1)}")[0] == 404
    assert host.get("networks/none")[0] == 404
    assert Host("nobody", token="wrong").get(f"networks/{network.pk}")[0] == 401


def test_what_is_known_is_not_sent_again(host: Host) -> None:
    network = make_network()
    plugged(network, "real")
    version = told(host, network)["version"]
    path = f"networks/{network.pk}?version={version}"
    assert host.get(path) == (304, b"")
    plugged(network, "real")
    status, seen = host.get(path)
    assert (status, len(seen["ports"]), seen["version"] != version) == (200, 2, True)


def test_tunneled_networks_have_numbers_of_their_own(host: Host) -> None:
    first, second = make_network(segmentation_id=1), make_network()
    same = make_network(segmentation_id=1)
    for network in (first, second, same):
        plugged(network, "real")
    numbers = [told(host, network)["segmentation_id"] for network in (first, second, same)]
    assert numbers == [1, 2, None]
    assert told(host, second)["segmentation_id"] == 2


def test_a_router_makes_hosts_carry_what_is_behind_it(host: Host, other: Host) -> None:
    host.post("heartbeat", BEAT | {"wires": {"uplink": True}})
    other.post("heartbeat", BEAT)
    near, far = make_network(), make_network()
    outside = make_network(external=True)
    router = make_router(near.subnets.get(), far.subnets.get(), outside=outside)
    port = plugged(near, "real")
    plugged(far, "other")
    [seen] = told(other, near)["routers"]
    assert {one["network_id"] for one in seen["interfaces"]} == {str(near.pk), str(far.pk)}
    assert seen["gateway"]["host"] == "real"
    assert seen["gateway"]["hops"] == [outside.subnets.get().gateway_ip]
    assert [place["id"] for place in told(other, near)["places"]] == [str(port.pk)]
    assert told(other, near)["ports"] == []
    assert seen["id"] == str(router.pk)


def test_a_guest_is_told_by_its_own_host_alone(host: Host, other: Host) -> None:
    server = make_instance(host="real", node="real", user_data="aGVsbG8=", metadata={"a": "b"})
    status, seen = host.get(f"metadata/{server.uuid}")
    assert (status, seen["user_data"], seen["metadata"]) == (200, "aGVsbG8=", {"a": "b"})
    assert other.get(f"metadata/{server.uuid}")[0] == 404
    assert other.post(f"metadata/{server.uuid}/password", {"password": "x"})[0] == 404
    assert host.get("metadata/none")[0] == 404


def test_a_guest_hands_its_password_in_once(host: Host, as_member: ApiClient) -> None:
    server = make_instance(host="real", node="real")
    path, secret = f"metadata/{server.uuid}/password", "x" * 300
    assert host.post(path, {"password": ""})[0] == 400
    assert host.post(path, {"password": "x" * 1021})[0] == 400
    assert host.post(path, {"password": secret})[0] == 200
    assert host.post(path, {"password": "another"})[0] == 409
    shown = as_member.get(f"/servers/{server.uuid}/os-server-password")
    assert shown.json["password"] == secret
    assert host.get(f"metadata/{server.uuid}")[1]["password"] == secret


# that they hear of changes


def test_a_rule_is_told_to_the_hosts_of_its_group(
    host: Host, other: Host, as_member: ApiClient
) -> None:
    network, elsewhere, group = make_network(), make_network(), make_security_group()
    plugged(network, "real", group)
    plugged(elsewhere, "other")
    rule = {"security_group_id": str(group.pk), "direction": "ingress", "protocol": "tcp"}
    made = as_member.post(f"{V2}/security-group-rules", {"security_group_rule": rule})
    assert made.status == 201
    assert hints(host) == [str(network.pk)]
    key = made.json["security_group_rule"]["id"]
    assert as_member.delete(f"{V2}/security-group-rules/{key}").status == 204
    assert (hints(host), hints(other)) == ([str(network.pk)], [])


def test_who_comes_to_a_group_is_told_to_those_that_let_it_in(
    host: Host, as_member: ApiClient
) -> None:
    web, base = make_network(), make_network()
    clients, servers = make_security_group(), make_security_group()
    SecurityGroupRule.objects.create(group=servers, direction="ingress", remote_group=clients)
    plugged(base, "real", servers)
    port = plugged(web, "elsewhere")
    body = {"port": {"security_groups": [str(clients.pk)]}}
    assert as_member.put(f"{V2}/ports/{port.pk}", body).status == 200
    assert str(base.pk) in hints(host)
    body = {"port": {"security_groups": []}}
    assert as_member.put(f"{V2}/ports/{port.pk}", body).status == 200
    assert str(base.pk) in hints(host)


def test_changed_ranges_are_told_to_those_whose_rules_speak_of_them(
    host: Host, other: Host, as_member: ApiClient
) -> None:
    network, group = make_network(), make_security_group()
    ranges = AddressGroup.objects.create(project_id=ALPHA, addresses=["10.8.0.0/16", "fd00::/64"])
    SecurityGroupRule.objects.create(group=group, direction="ingress", remote_address_group=ranges)
    plugged(network, "real", group)
    plugged(make_network(), "other")
    path = f"{V2}/address-groups/{ranges.pk}/add_addresses"
    assert as_member.put(path, {"addresses": ["10.9.0.7/32"]}).status == 200
    assert (hints(host), hints(other)) == ([str(network.pk)], [])
    [port] = told(host, network)["ports"]
    [rule] = port["rules"]
    assert rule["remotes"] == ["10.8.0.0/16", "10.9.0.7/32"]


def test_other_changes_are_told_too(host: Host, as_member: ApiClient) -> None:
    network = make_network()
    port = plugged(network, "real")
    subnet = network.subnets.get()

    def change(path: str, body: dict[str, Any]) -> list[str]:
        answer = as_member.put(f"{V2}/{path}", body)
        assert answer.status == 200, answer.json
        return sorted(set(hints(host)))

    expected = [str(network.pk)]
    pair = {"port": {"allowed_address_pairs": [{"ip_address": "10.9.9.9"}]}}
    assert change(f"ports/{port.pk}", pair) == expected
    assert change(f"subnets/{subnet.pk}", {"subnet": {"dns_nameservers": ["9.9.9.9"]}}) == expected
    router = as_member.post(f"{V2}/routers", {"router": {"name": "r"}}).json["router"]["id"]
    place = {"subnet_id": str(subnet.pk)}
    assert change(f"routers/{router}/add_router_interface", place) == expected
    assert change(f"routers/{router}/remove_router_interface", place) == expected


def test_floating_addresses_are_told(host: Host, as_member: ApiClient) -> None:
    network, outside = make_network(), make_network(external=True)
    make_router(network.subnets.get(), outside=outside)
    port = plugged(network, "real")
    body = {"floatingip": {"floating_network_id": str(outside.pk), "port_id": str(port.pk)}}
    made = as_member.post(f"{V2}/floatingips", body)
    assert made.status == 201
    assert str(network.pk) in hints(host)
    [router] = told(host, network)["routers"]
    address = made.json["floatingip"]["floating_ip_address"]
    assert router["floating"] == [{"address": address, "fixed": address_of(port), "host": "real"}]
    key = made.json["floatingip"]["id"]
    assert as_member.delete(f"{V2}/floatingips/{key}").status == 204
    assert str(network.pk) in hints(host)
    assert told(host, network)["routers"][0]["floating"] == []


def test_hosts_behind_a_router_hear_of_it_and_hosts_that_are_down_do_not(
    host: Host, other: Host, as_member: ApiClient
) -> None:
    near, far = make_network(), make_network()
    router = make_router(near.subnets.get())
    plugged(near, "real")
    plugged(far, "other")
    Service.objects.filter(host="other").update(last_seen_up=None)
    join_subnet(router, far.subnets.get())
    body = {"subnet": {"dns_nameservers": ["9.9.9.9"]}}
    assert as_member.put(f"{V2}/subnets/{far.subnets.get().pk}", body).status == 200
    assert hints(host) == sorted([str(near.pk), str(far.pk)])
    assert hints(other) == []


def test_hints_that_nobody_takes_are_forgotten(host: Host, as_member: ApiClient) -> None:
    network = make_network()
    plugged(network, "real")
    body = {"subnet": {"dns_nameservers": ["9.9.9.9"]}}
    assert as_member.put(f"{V2}/subnets/{network.subnets.get().pk}", body).status == 200
    assert purge_orders() == 0
    HostOrder.objects.update(not_after=timezone.now() - dt.timedelta(seconds=1))
    assert purge_orders() == 1


class Noting(NoWires):
    """Notes what the site has told of networks."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def facts(self) -> dict[str, Any]:
        return {"tunnel_address": "192.0.2.7", "uplink": True, "physical_networks": ["left"]}

    def update(self, network_id: str) -> None:
        self.seen.append(network_id)


def test_a_change_comes_to_the_agent_at_work(
    live_server: LiveServer, transactional_db: None, tmp_path: Path
) -> None:
    cast = make_cast()
    join(live_server.url, tmp_path)
    network, wires = make_network(), Noting()
    plugged(network, "real")
    settings, identity = load(tmp_path)
    quick = dataclasses.replace(settings, **QUICK)
    with at_work(Agent(quick, identity, Pretend(tmp_path), wires=wires)):
        wait_until(lambda: bool(HostAgent.objects.get().wires))
        assert HostAgent.objects.get().wires == wires.facts()
        body = {"subnet": {"dns_nameservers": ["9.9.9.9"]}}
        path = f"{V2}/subnets/{network.subnets.get().pk}"
        assert ApiClient(cast.member).put(path, body).status == 200
        wait_until(lambda: wires.seen == [str(network.pk)])
        wait_until(lambda: not HostOrder.objects.filter(done_at=None).exists())


class Slow(Pretend):
    """Makes a guest only when it is told to go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun, self.goes_on = threading.Event(), threading.Event()

    def destroy(self, server_id: str) -> None:
        self.begun.set()
        assert self.goes_on.wait(20)


def test_guests_that_are_made_do_not_hold_up_what_is_new_of_networks(tmp_path: Path) -> None:
    settings = Settings(
        site="http://site", host="h", hypervisor="pretend", state_dir=str(tmp_path), max_spawns=1
    )
    wires, slow = Noting(), Slow(tmp_path)
    identity = Identity(token="secret", epoch=1)
    agent = Agent(settings, identity, slow, wires=wires)
    order = {"generation": 1, "arguments": {}}
    making = {"id": str(uuid.uuid4()), "seq": 1, "server_id": str(uuid.uuid4()), "task": "destroy"}
    agent._take({**order, **making})
    assert slow.begun.wait(20)
    hint = {"id": str(uuid.uuid4()), "seq": 2, "server_id": "a-network", "task": "network_changed"}
    agent._take({**order, **hint})
    wait_until(lambda: wires.seen == ["a-network"])
    slow.goes_on.set()
    agent.queues.finish()
    agent.changes.finish()


def test_the_other_hosts_hear_that_a_server_is_gone(
    live_server: LiveServer, transactional_db: None, tmp_path: Path
) -> None:
    cast = make_cast()
    join(live_server.url, tmp_path)
    other, network = joined("other"), make_network()
    leaving, stays = plugged(network, "real", created_by_server=True), plugged(network, "other")
    server = Instance.objects.filter(uuid=leaving.device_id)
    nic = {"port_id": str(leaving.pk), "network_id": str(network.pk)}
    server.update(network_info=[nic])
    with jobs_at_work(), at_work(make_agent(tmp_path)):
        assert ApiClient(cast.member).delete(f"/servers/{leaving.device_id}").status == 204
        wait_until(lambda: server.filter(deleted_at=None).count() == 0)
    assert hints(other) == [str(network.pk)]
    assert [place["id"] for place in told(other, network)["places"]] == [str(stays.pk)]


def test_without_agents_nothing_is_asked_but_whether_there_are_any(
    db: None, as_member: ApiClient
) -> None:
    network, group = make_network(), make_security_group()
    plugged(network, "simulated", group)
    add_host("added", cell=CELL1)
    rule = {"security_group_id": str(group.pk), "direction": "ingress", "protocol": "tcp"}
    made = as_member.post(f"{V2}/security-group-rules", {"security_group_rule": rule})
    assert (made.status, HostOrder.objects.count(), HostAgent.objects.count()) == (201, 0, 1)


def test_what_a_host_is_told_costs_no_more_with_more_of_everything(
    host: Host, django_assert_max_num_queries: Any
) -> None:
    near, far, outside = make_network(), make_network(), make_network(external=True)
    group = make_security_group()
    SecurityGroupRule.objects.create(group=group, direction="ingress", remote_group=group)
    make_router(near.subnets.get(), far.subnets.get(), outside=outside)
    for _ in range(5):
        plugged(near, "real", group)
        plugged(far, "real", group)
    told(host, near)
    with django_assert_max_num_queries(MOST_QUERIES):
        told(host, near)


SMALL = {"vcpus": 1, "memory_mb": 64, "root_gb": 1, "ephemeral_gb": 0, "swap": 0}


def test_servers_come_to_hosts_that_are_on_their_physical_network(host: Host, other: Host) -> None:
    networks = {"physnets": ["left"], "tunneled": False}
    wanted = RequestSpec(flavor={**SMALL, "extra_specs": {}}, network_metadata=networks)

    def hosts() -> set[str]:
        found = find_hosts(wanted, alternates=1)
        return {found[0].host.host, *(one.host for one in found[0].alternates)}

    host.post("heartbeat", BEAT)
    other.post("heartbeat", BEAT)
    assert hosts() == {"real", "other"}  # those that tell nothing are tried
    host.post("heartbeat", BEAT | {"wires": {"physical_networks": ["left", "right"]}})
    other.post("heartbeat", BEAT | {"wires": {"physical_networks": ["right"]}})
    assert hosts() == {"real"}
    host.post("heartbeat", BEAT | {"wires": {"physical_networks": []}})
    with pytest.raises(NoValidHost, match="2 without the physical networks left"):
        hosts()


def test_a_server_that_names_no_network_comes_to_a_host_that_is_on_the_only_one(
    host: Host, other: Host, as_member: ApiClient
) -> None:
    make_network(network_type="flat", physical_network="left")
    host.post("heartbeat", BEAT | {"wires": {"physical_networks": ["left"]}})
    other.post("heartbeat", BEAT | {"wires": {"physical_networks": ["right"]}})
    image = str(make_image(stored=True, size=4, os_hash_value="ab").pk)
    body = {"name": "real", "imageRef": image, "flavorRef": make_flavor().flavorid}
    for _ in range(3):
        as_member.post("/servers", {"server": {**body, "networks": "auto"}}, microversion="2.37")
    run_jobs()
    assert list(Instance.objects.values_list("host", flat=True)) == ["real"] * 3


def test_the_number_of_a_vlan_is_that_of_its_network(host: Host) -> None:
    place = {"physical_network": "left", "segmentation_id": 77}
    network = make_network(network_type="vlan", **place)
    plugged(network, "real")
    seen = told(host, network)
    assert {key: seen[key] for key in ("network_type", *place)} == {"network_type": "vlan", **place}
    assert seen["hosts"] == ["real"]


def test_what_ports_may_use_is_told_and_follows_their_policy(
    host: Host, as_member: ApiClient, as_admin: ApiClient
) -> None:
    policy = as_admin.post(f"{V2}/qos/policies", {"policy": {"name": "slow", "shared": True}})
    key = policy.json["policy"]["id"]
    network = make_network()
    port = plugged(network, "real")

    def seen() -> tuple[Any, Any]:
        [found] = told(host, network)["ports"]
        return found["limits"], found["dscp"]

    def rule(kind: str, **values: Any) -> None:
        body = {f"{kind}_rule": values}
        made = as_admin.post(f"{V2}/qos/policies/{key}/{kind}_rules", body)
        assert made.status == 201, made.json

    assert seen() == ([], None)
    body = {"port": {"qos_policy_id": key}}
    assert as_member.put(f"{V2}/ports/{port.pk}", body).status == 200
    assert str(network.pk) in hints(host)
    rule("bandwidth_limit", max_kbps=800, max_burst_kbps=80, direction="ingress")
    assert hints(host) == [str(network.pk)]
    rule("dscp_marking", dscp_mark=46)
    assert hints(host) == [str(network.pk)]
    assert seen() == ([["ingress", 800, 80]], 46)
    body = {"network": {"qos_policy_id": key}}
    assert as_member.put(f"{V2}/networks/{network.pk}", body).status == 200
    body = {"port": {"qos_policy_id": None}}
    assert as_member.put(f"{V2}/ports/{port.pk}", body).status == 200
    assert seen() == ([["ingress", 800, 80]], 46)  # that of the network


def test_what_is_switched_off_and_what_is_stateless_is_told(
    host: Host, as_member: ApiClient
) -> None:
    network, group = make_network(), make_security_group(stateful=False)
    port = plugged(network, "real", group)

    def seen() -> tuple[bool, bool]:
        [found] = told(host, network)["ports"]
        return found["up"], found["stateful"]

    assert seen() == (True, False)
    for path, noun in ((f"ports/{port.pk}", "port"), (f"networks/{network.pk}", "network")):
        body = {noun: {"admin_state_up": False}}
        assert as_member.put(f"{V2}/{path}", body).status == 200
        assert str(network.pk) in hints(host)
        assert seen() == (False, False)
        body = {noun: {"admin_state_up": True}}
        assert as_member.put(f"{V2}/{path}", body).status == 200
        assert hints(host)
        assert seen() == (True, False)

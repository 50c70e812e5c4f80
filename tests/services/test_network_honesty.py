"""The network API keeps what it accepts, and refuses what it does not keep."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.api import shapes
from compute_site.neighbours.network.api.objects import NetworkView
from compute_site.neighbours.network.api.qos import QosRuleView
from compute_site.neighbours.network.models import FixedIp, Network, Port, SecurityGroupRule, Subnet
from compute_site.values.keys import IGNORED
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network, make_port, make_router, make_security_group

V2 = "//network/v2.0"
LISTS = {
    "networks": "networks",
    "subnets": "subnets",
    "ports": "ports",
    "security-groups": "security_groups",
    "security-group-rules": "security_group_rules",
    "floatingips": "floatingips",
    "routers": "routers",
}
TAGGED = ("networks", "subnets", "ports", "security-groups", "floatingips", "routers")


@pytest.fixture
def network(cast: Cast) -> Network:
    network = make_network(subnet=False, project=cast.alpha, shared=False)
    Subnet.objects.create(
        network=network,
        project=cast.alpha,
        cidr="10.7.0.0/24",
        gateway_ip="10.7.0.1",
        allocation_pools=[{"start": "10.7.0.2", "end": "10.7.0.254"}],
    )
    return network


def make(client: ApiClient, noun: str, **fields: Any) -> Answer:
    return client.post(f"{V2}/{noun.replace('_', '-')}s", {noun: fields})


def subnet(client: ApiClient, **fields: Any) -> Answer:
    bare = make_network(project_id=ALPHA, subnet=False)
    given = {"network_id": str(bare.pk), "cidr": "10.1.0.0/24", "ip_version": 4, **fields}
    return make(client, "subnet", **given)


def names(client: ApiClient, query: str, kind: str = "ports") -> list[str]:
    found = client.get(f"{V2}/{kind}?{query}").expect(200).json[LISTS[kind]]
    return [shown["name"] for shown in found]


def test_what_is_said_of_a_network_subnet_and_port_is_kept(
    as_member: ApiClient, network: Network
) -> None:
    made = make(as_member, "network", description="d").expect(201).json["network"]
    assert made["description"] == "d"
    route = {"destination": "10.9.0.0/16", "nexthop": "10.1.0.7"}
    shown = subnet(as_member, description="d", host_routes=[route]).expect(201).json["subnet"]
    assert (shown["description"], shown["host_routes"]) == ("d", [route])
    port = make(
        as_member,
        "port",
        network_id=str(network.pk),
        description="d",
        mac_address="FA:16:3E:00:00:AA",
        allowed_address_pairs=[{"ip_address": "10.8.0.0/24"}],
        extra_dhcp_opts=[{"opt_name": "mtu", "opt_value": "9000"}],
    )
    shown = port.expect(201).json["port"]
    assert shown["description"] == "d"
    assert shown["mac_address"] == "fa:16:3e:00:00:aa"
    pair = {"ip_address": "10.8.0.0/24", "mac_address": "fa:16:3e:00:00:aa"}
    assert shown["allowed_address_pairs"] == [pair]
    option = {"opt_name": "mtu", "opt_value": "9000", "ip_version": 4}
    assert shown["extra_dhcp_opts"] == [option]
    path = f"{V2}/ports/{shown['id']}"
    assert as_member.get(path).json["port"] == shown
    changes = [{"opt_name": "mtu", "opt_value": None}, {"opt_name": "a", "opt_value": "b"}]
    changed = as_member.put(path, {"port": {"extra_dhcp_opts": changes, "description": "e"}})
    after = changed.expect(200).json["port"]
    assert after["extra_dhcp_opts"] == [{"opt_name": "a", "opt_value": "b", "ip_version": 4}]
    assert (after["description"], after["allowed_address_pairs"]) == ("e", [pair])


UNSUPPORTED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("network", {"dns_domain": "example.org."}),
    ("network", {"vlan_transparent": True}),
    ("network", {"tags": ["a"]}),
    ("network", {"status": "DOWN"}),
    ("network", {"revision_number": 5}),
    ("port", {"propagate_uplink_status": True}),
    ("port", {"binding:vif_details": {}}),
    ("port", {"dns_assignment": []}),
    ("port", {"ip_allocation": "none"}),
    ("port", {"resource_request": {"resources": {}}}),
    ("port", {"allowed_address_pairs": [{"ip_address": "x"}]}),
    ("port", {"allowed_address_pairs": [{"mac_address": "fa:16:3e:00:00:aa"}]}),
    ("port", {"allowed_address_pairs": [{"ip_address": "10.0.0.1"}] * 2}),
    ("port", {"allowed_address_pairs": [{"ip_address": f"10.0.0.{n}"} for n in range(11)]}),
    (
        "port",
        {"allowed_address_pairs": [{"ip_address": "10.0.0.1", "mac_address": "01:00:5e:00:00:01"}]},
    ),
    ("port", {"extra_dhcp_opts": [{"opt_name": "", "opt_value": "b"}]}),
    ("security_group", {"name": "g", "shared": True}),
    ("floatingip", {"dns_name": "a"}),
    ("floatingip", {"qos_policy_id": UNKNOWN_ID}),
)


@pytest.mark.parametrize(("noun", "fields"), UNSUPPORTED)
def test_what_is_not_kept_is_refused(
    as_admin: ApiClient, network: Network, noun: str, fields: dict[str, Any]
) -> None:
    needed = {
        "port": {"network_id": str(network.pk)},
        "floatingip": {"floating_network_id": str(make_network(external=True).pk)},
    }
    refused = make(as_admin, noun, **needed.get(noun, {}), **fields).expect(400)
    assert next(iter(fields.keys() - {"name"})) in refused.json["NeutronError"]["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"ip_version": None},
        {"ipv6_ra_mode": "slaac"},
        {"cidr": "10.1.0.0/31"},
        {"cidr": "0.0.0.0/0"},
        {"dns_nameservers": ["10.0.0.1", "10.0.0.1"]},
        {"service_types": ["nobody"]},
        {"service_types": ["compute:nova", "compute:nova"]},
        {"service_types": "compute:nova"},
        {"service_types": None},
        {"segment_id": UNKNOWN_ID},
        {"dns_publish_fixed_ip": True},
        {"cidr": "fd00::/64", "ip_version": 6, "ipv6_ra_mode": "slaac"}
        | {"ipv6_address_mode": "dhcpv6-stateful"},
        {"host_routes": [{"destination": "x", "nexthop": "10.1.0.7"}]},
    ],
)
def test_a_subnet_that_contradicts_itself_is_refused(
    as_member: ApiClient, fields: dict[str, Any]
) -> None:
    subnet(as_member, **fields).expect(400)


def test_a_range_loses_the_bits_beyond_its_prefix(as_member: ApiClient) -> None:
    shown = subnet(as_member, cidr="10.1.0.77/24", ip_version="4").expect(201).json["subnet"]
    assert (shown["cidr"], shown["ip_version"]) == ("10.1.0.0/24", 4)


def test_spellings_that_neutron_converts_are_taken(as_member: ApiClient) -> None:
    made = make(as_member, "network", admin_state_up="FALSE", mtu="1400").expect(201)
    assert made.json["network"]["admin_state_up"] is False
    assert made.json["network"]["mtu"] == 1400
    make(as_member, "network", admin_state_up="maybe").expect(400)
    make(as_member, "network", mtu="many").expect(400)


def rule(client: ApiClient, group_id: str, **fields: Any) -> Answer:
    given = {"security_group_id": group_id, "direction": "ingress", **fields}
    return make(client, "security_group_rule", **given)


@pytest.mark.parametrize(
    "fields",
    [
        {"port_range_min": 22, "port_range_max": 22},
        {"protocol": "tcp", "port_range_min": 80, "port_range_max": 22},
        {"protocol": "tcp", "port_range_min": 80},
        {"protocol": "vrrp", "port_range_min": 1, "port_range_max": 2},
        {"protocol": "icmp", "port_range_min": 256},
        {"protocol": "icmp", "port_range_max": 1},
        {"protocol": "icmpv6"},
        {"remote_ip_prefix": "fd00::/64"},
        {"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"},
        {"ethertype": "ipx"},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(
    as_member: ApiClient, fields: dict[str, Any]
) -> None:
    group = make_security_group()
    rule(as_member, str(group.pk), **fields).expect(400)
    assert not SecurityGroupRule.objects.filter(group=group, direction="ingress").exists()


def test_a_prefix_and_a_group_exclude_each_other(as_member: ApiClient) -> None:
    group = str(make_security_group().pk)
    rule(as_member, group, remote_ip_prefix="10.0.0.0/8", remote_group_id=group).expect(400)


def test_the_same_rule_is_not_made_twice(as_member: ApiClient) -> None:
    group = str(make_security_group().pk)
    fields = {"protocol": "tcp", "port_range_min": "22", "port_range_max": "22"}
    made = rule(as_member, group, ethertype="ipv4", **fields).expect(201)
    assert made.json["security_group_rule"]["port_range_min"] == 22
    twin = rule(as_member, group, description="other", **fields).expect(409)
    assert made.json["security_group_rule"]["id"] in twin.json["NeutronError"]["message"]
    rule(as_member, group, **{**fields, "port_range_max": 23}).expect(201)


@pytest.mark.parametrize("kind", LISTS)
def test_lists_refuse_filters_and_orders_that_they_do_not_have(
    as_member: ApiClient, kind: str
) -> None:
    as_member.get(f"{V2}/{kind}?colour=red").expect(400)
    as_member.get(f"{V2}/{kind}?sort_key=colour&sort_dir=asc").expect(400)
    as_member.get(f"{V2}/{kind}?sort_key=id").expect(400)
    as_member.get(f"{V2}/{kind}?sort_key=id&sort_dir=up").expect(400)
    as_member.get(f"{V2}/{kind}?marker={UNKNOWN_ID}").expect(404)
    as_member.get(f"{V2}/{kind}?limit=-1").expect(400)
    as_member.get(f"{V2}/{kind}?sort_key=id&sort_dir=desc&limit=0&page_reverse=true").expect(200)


def subclasses(kind: type[NetworkView]) -> list[type[NetworkView]]:
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in subclasses(one))]


def test_every_filter_and_order_is_one_that_the_database_knows(as_admin: ApiClient) -> None:
    for kind in subclasses(NetworkView):
        if not hasattr(kind, "kind") or issubclass(kind, QosRuleView):
            continue
        path = f"{V2}/{kind().plural}"
        for key in kind.sorted_by:
            as_admin.get(f"{path}?sort_key={key}&sort_dir=desc").expect(200)
        for name in (*kind.filters, *kind.narrowed):
            known = {
                "fixed_ips": "ip_address=10.0.0.1",
                "object_type": "network",
                "remote_ip_prefix": "10.0.0.0/24",
            }
            value = known.get(name, "1")
            as_admin.get(f"{path}?{name}={value}").expect(200)


def test_ports_are_found_by_addresses_groups_tags_and_state(
    as_member: ApiClient, network: Network
) -> None:
    group = make_security_group()
    one = make_port(network, name="one", tags=["red", "blue"], admin_state_up=False)
    two = make_port(network, name="two", tags=["red"])
    make_port(network, name="three")
    two.security_groups.add(group)
    within = network.subnets.get()
    for port, address in ((one, "10.7.0.11"), (two, "10.7.0.12")):
        FixedIp.objects.create(port=port, network=network, subnet=within, address=address)
    assert names(as_member, "fixed_ips=ip_address=10.7.0.11") == ["one"]
    assert names(as_member, f"fixed_ips=subnet_id={within.pk}") == ["one", "two"]
    assert names(as_member, "fixed_ips=ip_address_substr=0.12") == ["two"]
    both = f"fixed_ips=subnet_id={within.pk}&fixed_ips=ip_address=10.7.0.12"
    assert names(as_member, both) == ["two"]
    as_member.get(f"{V2}/ports?fixed_ips=10.7.0.11").expect(400)
    assert names(as_member, f"security_groups={group.pk}") == ["two"]
    assert names(as_member, "admin_state_up=false") == ["one"]
    as_member.get(f"{V2}/ports?admin_state_up=maybe").expect(400)
    assert names(as_member, "tags=red") == ["one", "two"]
    assert names(as_member, "tags=red,blue") == ["one"]
    assert names(as_member, "tags-any=blue,green") == ["one"]
    assert names(as_member, "not-tags=red,blue") == ["three", "two"]
    assert names(as_member, "not-tags-any=red,blue") == ["three"]


def test_lists_are_sorted_and_paged_both_ways(as_member: ApiClient) -> None:
    for name in ("a", "b", "c", "d"):
        make(as_member, "network", name=name).expect(201)
    ordered = "sort_key=name&sort_dir=desc"
    assert names(as_member, ordered, "networks") == ["d", "c", "b", "a"]
    page = as_member.get(f"{V2}/networks?{ordered}&limit=2").json
    assert [shown["name"] for shown in page["networks"]] == ["d", "c"]
    assert page["networks_links"][0]["rel"] == "next"
    last = as_member.get(f"{V2}/networks?name=a").json["networks"][0]["id"]
    query = f"{ordered}&limit=2&page_reverse=True&marker={last}"
    page = as_member.get(f"{V2}/networks?{query}").json
    assert [shown["name"] for shown in page["networks"]] == ["c", "b"]
    assert page["networks_links"][0]["rel"] == "previous"


def test_several_objects_are_made_at_once_or_none(as_member: ApiClient, network: Network) -> None:
    entries = [{"network_id": str(network.pk), "name": name} for name in ("one", "two")]
    made = as_member.post(f"{V2}/ports", {"ports": entries}).expect(201).json["ports"]
    assert [port["name"] for port in made] == ["one", "two"]
    wrong = [*entries, {"network_id": UNKNOWN_ID}]
    assert as_member.post(f"{V2}/ports", {"ports": wrong}).status in (400, 404)
    refused = as_member.post(f"{V2}/ports", {"ports": [*entries, {"colour": 1}]}).expect(400)
    assert "ports.2" in refused.json["NeutronError"]["message"]
    as_member.post(f"{V2}/ports", {"ports": []}).expect(400)
    assert Port.objects.filter(network=network).count() == 2


@pytest.mark.parametrize("noun", ["router", "floatingip"])
def test_routers_and_floating_ips_are_made_one_by_one(as_member: ApiClient, noun: str) -> None:
    network = str(make_network(external=True).pk)
    entry = {"name": "r"} if noun == "router" else {"floating_network_id": network}
    as_member.post(f"{V2}/{noun}s", {f"{noun}s": [entry]}).expect(400)
    assert as_member.get(f"{V2}/{noun}s").json[f"{noun}s"] == []


def test_revisions_guard_changes(as_member: ApiClient) -> None:
    made = make(as_member, "network", name="n").expect(201).json["network"]
    path = f"{V2}/networks/{made['id']}"

    def change(revision: int) -> Answer:
        headers = {"If-Match": f"revision_number={revision}"}
        return as_member.put(path, {"network": {"name": f"n{revision}"}}, headers=headers)

    after = change(made["revision_number"]).expect(200).json["network"]
    assert after["revision_number"] == made["revision_number"] + 1
    error = change(made["revision_number"]).expect(412).json["NeutronError"]
    assert error["type"] == "RevisionNumberConstraintFailed"  # clients look for it
    stale = {"If-Match": f"revision_number={made['revision_number']}"}
    as_member.delete(path, headers=stale).expect(412)
    assert as_member.get(path).json["network"]["name"] == f"n{made['revision_number']}"


def test_a_port_has_two_addresses_of_one_subnet(as_member: ApiClient, network: Network) -> None:
    asked = {"subnet_id": str(network.subnets.get().pk)}
    port = make(as_member, "port", network_id=str(network.pk), fixed_ips=[asked, asked])
    addresses = {one["ip_address"] for one in port.expect(201).json["port"]["fixed_ips"]}
    assert len(addresses) == 2


def test_the_mac_address_of_a_port_changes(
    as_manager: ApiClient, as_member: ApiClient, network: Network
) -> None:
    mac = "fa:16:3e:00:00:01"
    port, other = (make_port(network, project_id=ALPHA) for _ in range(2))
    path = f"{V2}/ports/{port.pk}"

    def change(client: ApiClient, mac: Any) -> Answer:
        return client.put(path, {"port": {"mac_address": mac}})

    change(as_member, mac).expect(403)
    shown = change(as_manager, mac.upper()).expect(200).json["port"]
    assert shown["mac_address"] == mac
    change(as_manager, other.mac_address).expect(409)
    change(as_manager, None).expect(400)
    Port.objects.filter(pk=port.pk).update(device_owner="compute:nova", device_id=UNKNOWN_ID)
    change(as_manager, mac).expect(200)
    refused = change(as_manager, "fa:16:3e:00:00:02").expect(409)
    assert refused.json["NeutronError"]["type"] == "PortBound"


def test_nobody_chooses_what_does_the_work(as_reader: ApiClient) -> None:
    assert as_reader.get(f"{V2}/service-providers").expect(200).json == {"service_providers": []}
    as_reader.get(f"{V2}/service-providers?colour=red").expect(400)


@pytest.mark.parametrize("kind", TAGGED)
def test_tags_are_given_and_taken(
    as_member: ApiClient, as_reader: ApiClient, network: Network, kind: str
) -> None:
    outside = make_network(external=True)
    ids: dict[str, Any] = {
        "networks": lambda: network.pk,
        "subnets": lambda: network.subnets.get().pk,
        "ports": lambda: make_port(network).pk,
        "security-groups": lambda: make_security_group().pk,
        "routers": lambda: make_router().pk,
        "floatingips": lambda: make(
            as_member, "floatingip", floating_network_id=str(outside.pk)
        ).json["floatingip"]["id"],
    }
    path = f"{V2}/{kind}/{ids[kind]()}"
    tags = f"{path}/tags"
    assert as_member.put(tags, {"tags": ["b", "a"]}).expect(200).json == {"tags": ["a", "b"]}
    more = {"tags": ["c", "b"]}
    assert as_member.post(tags, more).expect(200).json == more
    as_member.put(f"{tags}/c").expect(201)
    as_member.get(f"{tags}/c").expect(204)
    as_member.delete(f"{tags}/a").expect(204)
    as_member.delete(f"{tags}/a").expect(404)
    assert as_member.get(tags).json == {"tags": ["b", "c"]}
    [shown] = as_member.get(path).json.values()
    assert shown["tags"] == ["b", "c"]
    wrong: Any
    for wrong in (
        {"tags": "a"},
        {"tags": ["a", "a"]},
        {"tags": ["x" * 256]},
        {"tags": [""]},
        {},
        [],
    ):
        as_member.put(tags, wrong).expect(400)
    as_reader.put(tags, {"tags": []}).expect(403)
    as_member.delete(tags).expect(204)
    assert as_member.get(tags).json == {"tags": []}


def test_who_has_a_network_tags_its_subnets_of_other_projects(
    as_member: ApiClient, as_admin: ApiClient, network: Network
) -> None:
    values = {"network_id": str(network.pk), "cidr": "10.77.0.0/24", "ip_version": 4}
    body = {"subnet": {**values, "project_id": BETA}}
    made = as_admin.post(f"{V2}/subnets", body).expect(201).json["subnet"]["id"]
    as_member.put(f"{V2}/subnets/{made}/tags", {"tags": ["a", "b"]}).expect(200)
    as_member.delete(f"{V2}/subnets/{made}/tags/a").expect(204)
    assert as_member.get(f"{V2}/subnets/{made}/tags").expect(200).json == {"tags": ["b"]}


def test_a_port_with_several_addresses_needs_one_named_for_its_floating_ip(
    as_member: ApiClient, network: Network
) -> None:
    port, within = make_port(network), network.subnets.get()
    for address in ("10.7.0.11", "10.7.0.12"):
        FixedIp.objects.create(port=port, network=network, subnet=within, address=address)
    public = make_network(external=True)
    make_router(within, outside=public)
    asked = {"floating_network_id": str(public.pk), "port_id": str(port.pk)}
    make(as_member, "floatingip", **asked).expect(400)
    made = make(as_member, "floatingip", **asked, fixed_ip_address="10.7.0.12").expect(201)
    assert made.json["floatingip"]["fixed_ip_address"] == "10.7.0.12"


def test_every_key_of_a_request_is_kept_or_only_harmless() -> None:
    """No shape of a request has a key that is read and dropped."""
    requests = (name for name in vars(shapes) if name.startswith(("NEW_", "CHANGED_")))
    for name in requests:
        dropped = [key for key, kept in vars(shapes)[name].items() if kept is IGNORED]
        assert dropped == [], name


UNKNOWN = (
    ("subnet", {"network_id": UNKNOWN_ID, "cidr": "10.9.0.0/24", "ip_version": 4}),
    ("port", {"network_id": UNKNOWN_ID}),
    ("port", {"network_id": "{network}", "security_groups": [UNKNOWN_ID]}),
    ("port", {"network_id": "{network}", "fixed_ips": [{"subnet_id": UNKNOWN_ID}]}),
    ("port", {"network_id": "{network}", "fixed_ips": [{"subnet_id": "{foreign}"}]}),
    ("security_group_rule", {"security_group_id": UNKNOWN_ID, "direction": "ingress"}),
    (
        "security_group_rule",
        {"security_group_id": "{group}", "direction": "ingress", "remote_group_id": UNKNOWN_ID},
    ),
    ("floatingip", {"floating_network_id": UNKNOWN_ID}),
    ("floatingip", {"floating_network_id": "{public}", "port_id": UNKNOWN_ID}),
    ("floatingip", {"floating_network_id": "{public}", "subnet_id": UNKNOWN_ID}),
    ("floatingip", {"floating_network_id": "{public}", "subnet_id": "{foreign}"}),
    ("router", {"external_gateway_info": {"network_id": UNKNOWN_ID}}),
)


@pytest.mark.parametrize(("noun", "asked"), UNKNOWN)
def test_what_a_body_names_and_is_not_there_is_404(
    as_member: ApiClient, network: Network, cast: Cast, noun: str, asked: dict[str, Any]
) -> None:
    """So is what belongs to others."""
    ids = {
        "{network}": network.pk,
        "{public}": make_network(external=True).pk,
        "{group}": make_security_group(project=cast.alpha).pk,
        "{foreign}": make_network(project_id=BETA).subnets.get().pk,
    }

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: told(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [told(entry) for entry in value]
        return str(ids.get(value, value)) if isinstance(value, str) else value

    answer = make(as_member, noun, **told(asked)).expect(404)
    assert answer.json["NeutronError"]["type"].endswith("NotFound")


@pytest.mark.parametrize("noun", ["network", "security_group", "router", "policy"])
def test_nothing_is_made_for_a_project_that_is_not_there(as_admin: ApiClient, noun: str) -> None:
    parent = "qos/policies" if noun == "policy" else f"{noun.replace('_', '-')}s"
    asked = {"name": "ours", "project_id": "nobody"}
    answer = as_admin.post(f"{V2}/{parent}", {noun: asked}).expect(400)
    assert "nobody" in answer.json["NeutronError"]["message"]


@pytest.mark.parametrize(
    ("noun", "asked"),
    [
        ("port", {"dns_name": "a_b"}),
        ("port", {"dns_name": "-a"}),
        ("port", {"binding:vnic_type": "quick"}),
        ("port", {"name": None}),
        ("port", {"admin_state_up": None}),
        ("port", {"fixed_ips": None}),
        ("port", {"fixed_ips": [{}]}),
        ("port", {"fixed_ips": [{"ip_address": "10.7.0.9"}, {"ip_address": "10.7.0.9"}]}),
        ("port", {"tags": ["a", "a"]}),
        ("port", {"extra_dhcp_opts": [{"opt_name": "mtu"}]}),
        ("port", {"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": ""}]}),
        (
            "subnet",
            {
                "cidr": "fd00:2::/60",
                "ip_version": 6,
                "ipv6_ra_mode": "slaac",
                "ipv6_address_mode": "slaac",
            },
        ),
        (
            "subnet",
            {
                "cidr": "fd00:2::/64",
                "ip_version": 6,
                "ipv6_ra_mode": "slaac",
                "enable_dhcp": False,
            },
        ),
    ],
)
def test_what_neutron_refuses_is_refused(
    as_member: ApiClient, network: Network, noun: str, asked: dict[str, Any]
) -> None:
    make(as_member, noun, network_id=str(network.pk), **asked).expect(400)


def test_null_does_not_stand_for_a_default_when_something_is_changed(as_member: ApiClient) -> None:
    network = make_network(project_id=ALPHA, name="kept", shared=False)
    as_member.put(f"{V2}/networks/{network.pk}", {"network": {"name": None}}).expect(400)
    network.refresh_from_db()
    assert network.name == "kept"


def test_a_protocol_has_one_number_whatever_its_name(as_member: ApiClient, cast: Cast) -> None:
    group = str(make_security_group(project=cast.alpha).pk)

    def rule(status: int, **asked: Any) -> Answer:
        fields = {"security_group_id": group, "direction": "ingress", **asked}
        return make(as_member, "security_group_rule", **fields).expect(status)

    rule(201, protocol="udp")
    rule(409, protocol="17")
    rule(409, protocol=17)
    made = rule(201, protocol="icmp", ethertype="IPv6")
    assert made.json["security_group_rule"]["protocol"] == "ipv6-icmp"
    for same in ("icmp", "icmpv6", "58", 1):
        rule(409, protocol=same, ethertype="IPv6")
    rule(400, protocol="carrier-pigeon")
    rule(400, protocol="tcp", port_range_min=0, port_range_max=0)


def test_a_range_is_kept_as_it_is_written(as_member: ApiClient, cast: Cast) -> None:
    """Two ways to write a range make two rules, as in Neutron."""
    group = str(make_security_group(project=cast.alpha).pk)

    def rule(status: int, prefix: str | None, **asked: Any) -> Answer:
        fields = {"security_group_id": group, "direction": "ingress", "remote_ip_prefix": prefix}
        return make(as_member, "security_group_rule", **fields, **asked).expect(status)

    made = rule(201, "10.0.0.5/24").json["security_group_rule"]
    assert (made["remote_ip_prefix"], made["normalized_cidr"]) == ("10.0.0.5/24", "10.0.0.0/24")
    rule(201, "10.0.0.0/24")
    rule(409, "10.0.0.5/24")
    rule(201, "10.0.0.5")
    rule(409, "10.0.0.5/32")
    rule(201, "0.0.0.0/0", protocol="tcp")
    rule(409, None, protocol="tcp")


def test_a_port_that_asks_for_no_address_says_so(as_member: ApiClient, network: Network) -> None:
    fields: dict[str, Any] = {"network_id": str(network.pk), "fixed_ips": []}
    assert make(as_member, "port", **fields).expect(201).json["port"]["ip_allocation"] == "none"


@pytest.mark.parametrize(
    "routes",
    [
        [{"destination": "10.8.0.1", "nexthop": "10.1.0.5"}],
        [{"destination": "10.8.0.1/24", "nexthop": "10.1.0.5"}],
        [{"destination": "10.8.0.0/24", "nexthop": "10.1.0.5"}] * 2,
    ],
    ids=["no prefix", "bits beyond the prefix", "twice"],
)
def test_a_route_of_hosts_that_cannot_be_is_refused(
    as_member: ApiClient, routes: list[dict[str, str]]
) -> None:
    subnet(as_member, host_routes=routes).expect(400)


def test_a_method_that_a_url_does_not_have_is_405(as_member: ApiClient, network: Network) -> None:
    as_member.send("PATCH", f"{V2}/networks/{network.pk}", {"network": {"name": "n"}}).expect(405)
    as_member.post(f"{V2}/networks/{network.pk}", {"network": {"name": "n"}}).expect(405)
    as_member.send("PATCH", f"{V2}/nothing", {}).expect(404)


@pytest.mark.parametrize("ending", ["/", ".json"])
def test_urls_may_end_in_a_slash_or_in_json(
    as_member: ApiClient, network: Network, ending: str
) -> None:
    one = f"{V2}/networks/{network.pk}"
    assert as_member.get(f"{one}{ending}").expect(200).json == as_member.get(one).json
    as_member.get(f"{V2}/networks{ending}?limit=1").expect(200)
    as_member.get(f"{V2}/extensions/router{ending}").expect(200)
    made = as_member.post(f"{V2}/networks{ending}", {"network": {"name": "new"}}).expect(201)
    as_member.delete(f"{V2}/networks/{made.json['network']['id']}{ending}").expect(204)
    as_member.get(f"{V2}/nothing{ending}").expect(404)


def test_groups_with_and_without_state_do_not_meet_on_a_port(
    as_member: ApiClient, network: Network
) -> None:
    groups = [
        make(as_member, "security_group", name=f"g{stateful}", stateful=stateful)
        .expect(201)
        .json["security_group"]["id"]
        for stateful in (True, False)
    ]
    fields = {"network_id": str(network.pk), "name": "p"}
    make(as_member, "port", **fields, security_groups=groups).expect(409)
    assert names(as_member, "name=p") == []
    made = make(as_member, "port", **fields, security_groups=groups[1:]).expect(201)
    port = made.json["port"]["id"]
    changed = as_member.put(f"{V2}/ports/{port}", {"port": {"security_groups": groups}})
    assert changed.status == 409
    shown = as_member.get(f"{V2}/ports/{port}").json["port"]["security_groups"]
    assert shown == groups[1:]


def test_how_addresses_of_a_subnet_are_made_stays(as_member: ApiClient) -> None:
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    made = subnet(as_member, cidr="fd00::/64", ip_version=6, **modes).expect(201).json["subnet"]
    for name in modes:
        body = {"subnet": {"name": "new", name: "dhcpv6-stateful"}}
        refused = as_member.put(f"{V2}/subnets/{made['id']}", body).expect(400)
        assert name in refused.json["NeutronError"]["message"]
    kept = Subnet.objects.get(pk=made["id"])
    assert (kept.name, kept.ipv6_address_mode, kept.ipv6_ra_mode) == ("", "slaac", "slaac")


def test_ipv6_needs_a_network_that_carries_it(as_member: ApiClient) -> None:
    narrow = make_network(mtu=1279, subnet=False)
    body = {"network_id": str(narrow.pk), "ip_version": 6, "cidr": "fd00:7::/64"}
    refused = as_member.post(f"{V2}/subnets", {"subnet": body}).expect(409)
    assert "1280" in refused.json["NeutronError"]["message"]
    assert not narrow.subnets.exists()
    path = f"{V2}/networks/{narrow.pk}"
    as_member.put(path, {"network": {"mtu": 1280}}).expect(200)
    as_member.post(f"{V2}/subnets", {"subnet": body}).expect(201)
    as_member.put(path, {"network": {"mtu": 1279}}).expect(409)
    narrow.refresh_from_db()
    assert narrow.mtu == 1280

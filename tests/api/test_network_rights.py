"""Who may do what on networks, above all on those of others."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm

from compute_site.identity.models import Project, Role
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.models import FloatingIp, Network, Port, SecurityGroup
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor, make_image, make_instance, make_network, make_port
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs

V2 = "//network/v2.0"


@pytest.fixture
def shared(cast: Cast) -> Network:
    """A network of beta that all use."""
    return make_network(project_id=BETA, shared=True, name="shared")


@pytest.fixture
def own(cast: Cast) -> Network:
    return make_network(name="own")


@pytest.fixture
def public(cast: Cast) -> Network:
    return make_network(project_id=BETA, external=True, name="public")


def prefix(network: Network) -> str:
    return network.subnets.get().cidr.removesuffix(".0/24")


def make(client: ApiClient, noun: str, **fields: Any) -> Answer:
    return client.post(f"{V2}/{noun}s".replace("_", "-"), {noun: fields})


def take_from_members(cast: Cast, rule: str) -> None:
    remove_perm(rule, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)


CHOICES: tuple[tuple[str, dict[str, Any]], ...] = (
    (policies.CREATE_PORT_MAC, {"mac_address": "fa:16:3e:00:00:77"}),
    (policies.CREATE_PORT_ADDRESS, {"fixed_ips": [{"ip_address": "{}.1"}]}),
    (policies.CREATE_PORT_ADDRESS, {"fixed_ips": [{"ip_address": "{}.9"}]}),
    (policies.CREATE_PORT_SECURITY, {"port_security_enabled": False}),
    (policies.CREATE_PORT_PAIRS, {"allowed_address_pairs": [{"ip_address": "10.9.9.9"}]}),
)


def fields_on(network: Network, choice: dict[str, Any]) -> dict[str, Any]:
    fields = dict(choice)
    if "fixed_ips" in fields:
        [asked] = fields["fixed_ips"]
        fields["fixed_ips"] = [{"ip_address": asked["ip_address"].format(prefix(network))}]
    return {"network_id": str(network.pk), **fields}


@pytest.mark.parametrize(("rule", "choice"), CHOICES)
def test_only_the_project_of_a_network_chooses_what_could_disturb_it(
    as_member: ApiClient,
    as_manager: ApiClient,
    as_outsider: ApiClient,
    shared: Network,
    *,
    rule: str,
    choice: dict[str, Any],
) -> None:
    fields = fields_on(shared, choice)
    for client in (as_member, as_manager):
        assert rule in make(client, "port", **fields).expect(403).json["NeutronError"]["message"]
    assert not Port.objects.exists()
    make(as_outsider, "port", **fields).expect(201)


@pytest.mark.parametrize(("rule", "choice"), CHOICES)
def test_an_admin_chooses_them_on_every_network(
    as_admin: ApiClient, shared: Network, rule: str, choice: dict[str, Any]
) -> None:
    make(as_admin, "port", **fields_on(shared, choice)).expect(201)


@pytest.mark.parametrize(("rule", "choice"), CHOICES)
def test_a_rule_that_is_held_in_another_project_does_not_count(
    as_member: ApiClient, cast: Cast, shared: Network, rule: str, choice: dict[str, Any]
) -> None:
    assign_perm(rule, cast.member.user, Project.objects.get(pk=BETA))
    make(as_member, "port", **fields_on(shared, choice)).expect(403)


def test_a_shared_network_is_used_nevertheless(as_member: ApiClient, shared: Network) -> None:
    subnet = str(shared.subnets.get().pk)
    for fields in ({}, {"fixed_ips": [{"subnet_id": subnet}]}, {"port_security_enabled": True}):
        make(as_member, "port", network_id=str(shared.pk), **fields).expect(201)


def test_a_port_on_a_shared_network_keeps_its_addresses_and_its_security(
    as_member: ApiClient, shared: Network
) -> None:
    port = make(as_member, "port", network_id=str(shared.pk)).expect(201).json["port"]
    for fields in (
        {"fixed_ips": [{"ip_address": f"{prefix(shared)}.1"}]},
        {"fixed_ips": []},
        {"port_security_enabled": False, "security_groups": []},
        {"device_owner": "network:router_interface"},
        {"binding:host_id": "somewhere"},
    ):
        as_member.put(f"{V2}/ports/{port['id']}", {"port": fields}).expect(403)
    as_member.put(f"{V2}/ports/{port['id']}", {"port": {"name": "new"}}).expect(200)
    after = as_member.get(f"{V2}/ports/{port['id']}").json["port"]
    moving = ("name", "revision_number", "updated_at")
    assert {**after, **{key: port[key] for key in moving}} == port


def test_a_network_that_is_not_shared_takes_no_ports_of_others(
    as_member: ApiClient, public: Network
) -> None:
    make(as_member, "port", network_id=str(public.pk)).expect(403)
    assert not Port.objects.exists()


@pytest.mark.parametrize("last", [0, 255])
def test_nobody_gets_the_address_that_stands_for_all(
    as_member: ApiClient, as_admin: ApiClient, own: Network, last: int
) -> None:
    fields = {"network_id": str(own.pk), "fixed_ips": [{"ip_address": f"{prefix(own)}.{last}"}]}
    for client in (as_member, as_admin):
        make(client, "port", **fields).expect(400)
    assert not Port.objects.exists()


def test_a_mac_address_stands_once_on_a_network(as_member: ApiClient, own: Network) -> None:
    fields = {"network_id": str(own.pk), "mac_address": "fa:16:3e:00:00:77"}
    make(as_member, "port", **fields).expect(201)
    make(as_member, "port", **fields).expect(409)
    elsewhere = make_network()
    make(as_member, "port", **{**fields, "network_id": str(elsewhere.pk)}).expect(201)


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"])
def test_no_nic_has_these_mac_addresses(as_member: ApiClient, own: Network, mac: str) -> None:
    make(as_member, "port", network_id=str(own.pk), mac_address=mac).expect(400)


def test_a_port_without_security_has_no_groups(as_member: ApiClient, own: Network) -> None:
    port = make(as_member, "port", network_id=str(own.pk)).expect(201).json["port"]
    path = f"{V2}/ports/{port['id']}"
    assert port["security_groups"]
    as_member.put(path, {"port": {"port_security_enabled": False}}).expect(409)
    bare = {"port_security_enabled": False, "security_groups": []}
    assert as_member.put(path, {"port": bare}).expect(200).json["port"]["security_groups"] == []


@pytest.mark.parametrize("owner", ["compute:nova", "network:dhcp"])
def test_a_member_does_not_pass_a_port_off_as_that_of_a_service(
    as_member: ApiClient, own: Network, owner: str
) -> None:
    make(as_member, "port", network_id=str(own.pk), device_owner=owner).expect(403)
    port = make(as_member, "port", network_id=str(own.pk)).expect(201).json["port"]
    as_member.put(f"{V2}/ports/{port['id']}", {"port": {"device_owner": owner}}).expect(403)


def test_a_nic_of_one_server_is_not_grafted_onto_another(
    as_member: ApiClient, own: Network, cast: Cast
) -> None:
    mine, theirs = make_instance(), make_instance(project_id=BETA)
    nic = make_port(own, device_id=str(mine.uuid), device_owner="compute:nova")
    path = f"{V2}/ports/{nic.pk}"
    as_member.put(path, {"port": {"device_id": str(theirs.uuid)}}).expect(403)
    nic.refresh_from_db()
    assert nic.device_id == str(mine.uuid)
    free = {"device_id": "", "device_owner": ""}
    as_member.put(path, {"port": free}).expect(200)
    as_member.put(path, {"port": {"device_id": str(theirs.uuid)}}).expect(200)
    nic.refresh_from_db()
    assert not Port.objects.of_servers([str(theirs.uuid)]).exists()


def test_a_port_is_not_deleted_under_a_server(
    as_member: ApiClient, as_admin: ApiClient, own: Network
) -> None:
    nic = make_port(own, device_id=str(make_instance().uuid), device_owner="compute:nova")
    as_member.delete(f"{V2}/ports/{nic.pk}").expect(403)
    as_admin.delete(f"{V2}/ports/{nic.pk}").expect(204)


def test_the_port_of_a_floating_ip_goes_with_it(
    as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient, public: Network
) -> None:
    make(as_member, "floatingip", floating_network_id=str(public.pk)).expect(201)
    outside = FloatingIp.objects.get().outside
    for client in (as_outsider, as_admin):
        client.delete(f"{V2}/ports/{outside.pk}").expect(409)
        asked = {"fixed_ips": [{"ip_address": f"{prefix(public)}.9"}]}
        client.put(f"{V2}/ports/{outside.pk}", {"port": asked}).expect(409)
    assert FloatingIp.objects.exists()


def test_who_chooses_a_floating_address(
    as_member: ApiClient, as_manager: ApiClient, public: Network
) -> None:
    def take(client: ApiClient, last: int) -> Answer:
        asked = {
            "floating_network_id": str(public.pk),
            "floating_ip_address": f"{prefix(public)}.{last}",
        }
        return make(client, "floatingip", **asked)

    take(as_member, 50).expect(403)
    take(as_manager, 50).expect(201)
    take(as_manager, 50).expect(409)
    for last in (0, 1, 255):  # the network, its gateway, all of it
        take(as_manager, last).expect(400)
    assert FloatingIp.objects.get().address == f"{prefix(public)}.50"


def test_a_floating_address_is_chosen_in_the_named_subnet(
    as_manager: ApiClient, public: Network
) -> None:
    other = make_network(project_id=BETA, external=True)
    asked = {
        "floating_network_id": str(public.pk),
        "subnet_id": str(public.subnets.get().pk),
        "floating_ip_address": f"{prefix(other)}.50",
    }
    make(as_manager, "floatingip", **asked).expect(400)


SUBNETS: tuple[tuple[dict[str, Any], int], ...] = (
    ({"gateway_ip": "10.88.0.0"}, 400),
    ({"gateway_ip": "10.88.0.255"}, 400),
    ({"gateway_ip": "fd00::1"}, 400),
    ({"gateway_ip": "10.99.0.1"}, 201),
    ({"allocation_pools": [("10.88.0.1", "10.88.0.9")]}, 409),
    ({"allocation_pools": [("10.88.0.0", "10.88.0.9")]}, 400),
    ({"allocation_pools": [("10.88.0.9", "10.88.0.255")]}, 400),
    ({"allocation_pools": [("10.88.0.20", "10.88.0.9")]}, 400),
    ({"allocation_pools": [("10.88.0.20", "fd00::9")]}, 400),
    ({"allocation_pools": [("10.88.0.2", "10.88.0.9"), ("10.88.0.5", "10.88.0.19")]}, 409),
    ({"allocation_pools": [("10.88.0.2", "10.88.0.9"), ("10.88.0.10", "10.88.0.19")]}, 201),
)


def subnet_fields(fields: dict[str, Any]) -> dict[str, Any]:
    pools = [{"start": s, "end": e} for s, e in fields.get("allocation_pools", ())]
    return fields | ({"allocation_pools": pools} if pools else {})


@pytest.mark.parametrize(("fields", "status"), SUBNETS)
def test_a_subnet_gives_nothing_away_twice(
    as_member: ApiClient, cast: Cast, fields: dict[str, Any], status: int
) -> None:
    network = make_network(subnet=False)
    base = {"network_id": str(network.pk), "cidr": "10.88.0.0/24", "ip_version": 4}
    make(as_member, "subnet", **base, **subnet_fields(fields)).expect(status)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"gateway_ip": "10.88.0.9"}, 409),
        ({"gateway_ip": "10.88.0.255"}, 400),
        ({"allocation_pools": [("10.88.0.1", "10.88.0.9")]}, 409),
        ({"allocation_pools": [("10.88.0.3", "10.88.0.9")]}, 200),
        ({"gateway_ip": None}, 200),
        ({"gateway_ip": "10.88.0.9", "allocation_pools": [("10.88.0.10", "10.88.0.19")]}, 200),
    ],
)
def test_a_changed_subnet_gives_nothing_away_twice(
    as_member: ApiClient, cast: Cast, fields: dict[str, Any], status: int
) -> None:
    network = make_network(subnet=False)
    base = {"network_id": str(network.pk), "cidr": "10.88.0.0/24", "ip_version": 4}
    subnet = make(as_member, "subnet", **base).expect(201).json["subnet"]
    path, asked = f"{V2}/subnets/{subnet['id']}", subnet_fields(fields)
    as_member.put(path, {"subnet": asked}).expect(status)
    shown = as_member.get(path).json["subnet"]
    expected = asked if status == 200 else subnet
    assert {key: shown[key] for key in asked} == {key: expected[key] for key in asked}


@pytest.mark.parametrize(
    ("rule", "method", "path", "body"),
    [
        (policies.GET_NETWORK, "GET", "networks", None),
        (policies.GET_NETWORK, "GET", "networks/{network}", None),
        (policies.CREATE_NETWORK, "POST", "networks", {"network": {"name": "n"}}),
        (policies.UPDATE_NETWORK, "PUT", "networks/{network}", {"network": {"name": "n"}}),
        (policies.DELETE_NETWORK, "DELETE", "networks/{network}", None),
        (policies.CREATE_PORT, "POST", "ports", {"port": {"network_id": "{network}"}}),
        (policies.CREATE_GROUP, "POST", "security-groups", {"security_group": {"name": "n"}}),
    ],
)
def test_a_rule_that_was_taken_from_a_role_is_asked(
    as_member: ApiClient,
    cast: Cast,
    own: Network,
    *,
    rule: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    take_from_members(cast, rule)
    if body and "port" in body:
        body = {"port": {"network_id": str(own.pk)}}
    refused = as_member.send(method, f"{V2}/{path.format(network=own.pk)}", body).expect(403)
    assert rule in refused.json["NeutronError"]["message"]


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        (policies.UPDATE_PORT, {"addSecurityGroup": {"name": "web"}}),
        (policies.UPDATE_PORT, {"removeSecurityGroup": {"name": "web"}}),
        (policies.UPDATE_PORT_FIXED_IPS, {"addFixedIp": {"networkId": "{network}"}}),
        (policies.UPDATE_PORT_FIXED_IPS, {"removeFixedIp": {"address": "{address}"}}),
        (policies.UPDATE_FLOATING_IP, {"addFloatingIp": {"address": "{floating}"}}),
    ],
)
def test_compute_asks_the_rules_of_networks_where_it_changes_ports(
    as_member: ApiClient, cast: Cast, own: Network, public: Network, *, rule: str, action: Any
) -> None:
    SecurityGroup.objects.create(name="web", project_id=ALPHA)
    host = make_host().service.host
    server = make_instance(host=host, node=host, launched_at=timezone.now())
    as_member.post(
        f"/servers/{server.uuid}/os-interface", {"interfaceAttachment": {"net_id": str(own.pk)}}
    ).expect(200)
    port = Port.objects.of_servers([str(server.uuid)]).get()
    floating = make(as_member, "floatingip", floating_network_id=str(public.pk)).json["floatingip"]
    words = {
        "network": str(own.pk),
        "address": port.fixed_ips.get().address,
        "floating": floating["floating_ip_address"],
    }
    [(name, content)] = action.items()
    body = {name: {key: value.format(**words) for key, value in content.items()}}
    server.refresh_from_db()
    server.task_state = None
    server.save()
    take_from_members(cast, rule)
    refused = as_member.post(f"/servers/{server.uuid}/action", body).expect(403)
    assert rule in refused.message
    assert port.fixed_ips.count() == 1
    assert {group.name for group in port.security_groups.all()} == {"default"}


def test_compute_does_not_change_addresses_on_networks_of_others(
    as_member: ApiClient, cast: Cast, shared: Network
) -> None:
    host = make_host().service.host
    server = make_instance(host=host, node=host, launched_at=timezone.now())
    path = f"/servers/{server.uuid}/os-interface"
    chosen = {"net_id": str(shared.pk), "fixed_ips": [{"ip_address": f"{prefix(shared)}.9"}]}
    refused = as_member.post(path, {"interfaceAttachment": chosen}).expect(403)
    assert policies.CREATE_PORT_ADDRESS in refused.message
    assert not Port.objects.exists()
    as_member.post(path, {"interfaceAttachment": {"net_id": str(shared.pk)}}).expect(200)
    more = {"addFixedIp": {"networkId": str(shared.pk)}}
    assert policies.UPDATE_PORT_FIXED_IPS in (
        as_member.post(f"/servers/{server.uuid}/action", more).expect(403).message
    )


@pytest.mark.parametrize(
    ("who", "whose", "status"),
    [
        ("member", "shared", "ERROR"),
        ("manager", "shared", "ERROR"),
        ("admin", "shared", "ACTIVE"),
        ("member", "own", "ACTIVE"),
    ],
)
def test_a_server_is_built_with_a_chosen_address_where_the_owner_may_choose_one(
    request: pytest.FixtureRequest, cast: Cast, *, who: str, whose: str, status: str
) -> None:
    client: ApiClient = request.getfixturevalue(f"as_{who}")
    network: Network = request.getfixturevalue(whose)
    make_host()
    server = {
        "name": "web",
        "imageRef": str(make_image().pk),
        "flavorRef": make_flavor().flavorid,
        "networks": [{"uuid": str(network.pk), "fixed_ip": f"{prefix(network)}.9"}],
    }
    made = client.post("/servers", {"server": server}).expect(202).json["server"]
    run_jobs()
    shown = client.get(f"/servers/{made['id']}").expect(200).json["server"]
    assert shown["status"] == status
    if status == "ERROR":
        assert policies.CREATE_PORT_ADDRESS in shown["fault"]["message"]
        assert not Port.objects.exists()

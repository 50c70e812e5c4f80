"""Networks that are opened to single projects, by ``rbac-policies`` of the network API."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network import local
from compute_site.neighbours.network.models import Network, NetworkAccess, Port, Quota
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network, make_project
from tests.world.granted import caller_of

V2 = "//network/v2.0"
RBAC = f"{V2}/rbac-policies"
SHARED, EXTERNAL = "access_as_shared", "access_as_external"


@pytest.fixture
def network(cast: Cast) -> Network:
    return make_network(project_id=ALPHA, name="opened", shared=False)


def open_to(client: ApiClient, network: Network, target: str, **more: Any) -> Answer:
    asked = {
        "object_type": "network",
        "object_id": str(network.pk),
        "action": SHARED,
        "target_tenant": target,
        **more,
    }
    return client.post(RBAC, {"rbac_policy": asked})


def names(client: ApiClient, query: str = "") -> list[str]:
    shown = client.get(f"{V2}/networks?{query}").expect(200).json["networks"]
    return [one["name"] for one in shown]


def test_a_network_is_opened_to_one_project_and_closed(
    as_member: ApiClient, as_reader: ApiClient, as_outsider: ApiClient, network: Network
) -> None:
    assert names(as_outsider) == []
    made = open_to(as_member, network, BETA).expect(201).json["rbac_policy"]
    assert made == {
        "id": made["id"],
        "project_id": ALPHA,
        "tenant_id": ALPHA,
        "object_type": "network",
        "object_id": str(network.pk),
        "action": SHARED,
        "target_tenant": BETA,
    }
    assert as_reader.get(RBAC).expect(200).json["rbac_policies"] == [made]
    assert as_reader.get(f"{RBAC}/{made['id']}").expect(200).json["rbac_policy"] == made
    assert as_reader.get(f"{RBAC}?action={EXTERNAL}").json["rbac_policies"] == []
    assert as_reader.get(f"{RBAC}?object_type=qos_policy").json["rbac_policies"] == []
    as_reader.get(f"{RBAC}?object_type=colour").expect(400)
    assert as_outsider.get(RBAC).json["rbac_policies"] == []
    as_outsider.delete(f"{RBAC}/{made['id']}").expect(404)

    shown = as_outsider.get(f"{V2}/networks/{network.pk}").expect(200).json["network"]
    assert (shown["shared"], shown["router:external"]) == (True, False)
    assert as_member.get(f"{V2}/networks/{network.pk}").json["network"]["shared"] is False
    assert names(as_outsider, "shared=true") == ["opened"]
    assert names(as_outsider, "shared=false") == []
    assert len(as_outsider.get(f"{V2}/subnets").json["subnets"]) == 1
    as_outsider.put(f"{V2}/networks/{network.pk}", {"network": {"name": "mine"}}).expect(403)

    port = as_outsider.post(f"{V2}/ports", {"port": {"network_id": str(network.pk)}}).expect(201)
    as_member.delete(f"{RBAC}/{made['id']}").expect(409)
    as_outsider.delete(f"{V2}/ports/{port.json['port']['id']}").expect(204)
    as_member.delete(f"{RBAC}/{made['id']}").expect(204)
    assert names(as_outsider) == []
    as_outsider.post(f"{V2}/ports", {"port": {"network_id": str(network.pk)}}).expect(404)


def test_servers_stand_on_a_network_that_was_opened(
    as_member: ApiClient, as_outsider: ApiClient, network: Network, cast: Cast
) -> None:
    open_to(as_member, network, BETA).expect(201)
    [found] = local.available_networks(caller_of(cast.outsider))
    assert (found.id, found.shared, found.external) == (str(network.pk), True, False)
    assert local.find_networks(caller_of(cast.outsider), [str(network.pk)]).keys() == {found.id}


def test_a_network_is_external_for_one_project(
    as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient, network: Network
) -> None:
    floating = {"floatingip": {"floating_network_id": str(network.pk)}}
    as_outsider.post(f"{V2}/floatingips", floating).expect(404)
    made = open_to(as_member, network, BETA, action=EXTERNAL).expect(201).json["rbac_policy"]
    shown = as_outsider.get(f"{V2}/networks/{network.pk}").json["network"]
    assert (shown["shared"], shown["router:external"]) == (False, True)
    assert names(as_outsider, "router:external=true") == ["opened"]
    [inner] = as_outsider.get(f"{V2}/subnets?router:external=true").json["subnets"]
    assert inner["router:external"] is True
    pools = as_outsider.get("/os-floating-ip-pools").expect(200).json["floating_ip_pools"]
    assert pools == [{"name": "opened"}]
    port = {"port": {"network_id": str(network.pk)}}
    as_outsider.post(f"{V2}/ports", port).expect(403)
    taken = as_outsider.post(f"{V2}/floatingips", floating).expect(201).json["floatingip"]
    as_member.delete(f"{RBAC}/{made['id']}").expect(409)
    as_outsider.delete(f"{V2}/floatingips/{taken['id']}").expect(204)
    other = make_project().pk
    body = {"rbac_policy": {"target_tenant": other}}
    changed = as_member.put(f"{RBAC}/{made['id']}", body).expect(200).json["rbac_policy"]
    assert changed["target_tenant"] == other
    assert names(as_outsider) == []


def test_admins_open_a_network_to_all(
    as_admin: ApiClient, as_member: ApiClient, as_outsider: ApiClient, network: Network, cast: Cast
) -> None:
    made = open_to(as_admin, network, "*").expect(201).json["rbac_policy"]
    assert made["target_tenant"] == "*"
    open_to(as_admin, network, "*").expect(409)
    [listed] = as_admin.get(f"{RBAC}?target_tenant=*").expect(200).json["rbac_policies"]
    assert listed == made
    for client in (as_member, as_outsider):
        assert client.get(f"{V2}/networks/{network.pk}").json["network"]["shared"] is True
    assert local.find_networks(caller_of(cast.outsider), [str(network.pk)])
    port = as_outsider.post(f"{V2}/ports", {"port": {"network_id": str(network.pk)}}).expect(201)
    as_admin.delete(f"{RBAC}/{made['id']}").expect(409)
    single = open_to(as_member, network, BETA).expect(201).json["rbac_policy"]
    as_admin.delete(f"{RBAC}/{made['id']}").expect(204)  # the port is on a network opened to beta
    as_member.put(f"{RBAC}/{single['id']}", {"rbac_policy": {"target_tenant": "*"}}).expect(403)
    as_member.delete(f"{RBAC}/{single['id']}").expect(409)
    as_outsider.delete(f"{V2}/ports/{port.json['port']['id']}").expect(204)
    as_member.delete(f"{RBAC}/{single['id']}").expect(204)
    assert names(as_outsider) == []


def test_a_network_is_not_shared_any_more(
    as_admin: ApiClient, as_outsider: ApiClient, network: Network
) -> None:
    path, unshared = f"{V2}/networks/{network.pk}", {"network": {"shared": False}}
    as_admin.put(path, {"network": {"shared": True}}).expect(200)
    open_to(as_admin, network, "*").expect(201)
    port = as_outsider.post(f"{V2}/ports", {"port": {"network_id": str(network.pk)}}).expect(201)
    as_admin.put(path, unshared).expect(409)
    as_outsider.delete(f"{V2}/ports/{port.json['port']['id']}").expect(204)
    assert as_admin.put(path, unshared).expect(200).json["network"]["shared"] is False
    assert names(as_outsider) == []
    assert not NetworkAccess.objects.exists()


def test_what_was_opened_to_a_project_outlives_it(as_admin: ApiClient, network: Network) -> None:
    target = make_project(name="short-lived").pk
    made = open_to(as_admin, network, target).expect(201).json["rbac_policy"]
    as_admin.delete(f"//identity/v3/projects/{target}").expect(204)
    as_admin.delete(f"{RBAC}/{made['id']}").expect(204)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"object_type": "qos_policy"}, 400),
        ({"object_id": UNKNOWN_ID}, 400),
        ({"action": "access_as_owner"}, 400),
        ({"target_tenant": "*"}, 403),
        ({"target_tenant": "nobody"}, 400),
        ({"target_tenant": None}, 400),
        ({"target_project": BETA}, 400),
        ({"colour": "red"}, 400),
        ({"project_id": BETA}, 403),
    ],
)
def test_what_cannot_be_opened(
    as_member: ApiClient, network: Network, asked: dict[str, Any], status: int
) -> None:
    open_to(as_member, network, BETA, **asked).expect(status)
    assert not NetworkAccess.objects.exists()


def test_it_is_opened_once_by_its_project_within_the_quota(
    as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient, network: Network, cast: Cast
) -> None:
    open_to(as_outsider, network, BETA).expect(400)
    open_to(as_admin, network, BETA).expect(201)
    open_to(as_member, network, BETA).expect(409)
    Quota.objects.create(project=cast.alpha, resource="rbac_policy", limit=0)
    open_to(as_member, network, UNKNOWN_ID).expect(409)
    assert NetworkAccess.objects.count() == 1


def test_bindings_prepare_a_port_for_a_host_and_move_it(as_admin: ApiClient, cast: Cast) -> None:
    port = Port.objects.create(
        network=make_network(),
        project_id=ALPHA,
        mac_address="fa:16:3e:00:00:01",
        device_id=UNKNOWN_ID,
        device_owner="compute:nova",
        binding_host="h1",
        vif_type="ovs",
    )
    path = f"{V2}/ports/{port.pk}/bindings"
    active = {
        "host": "h1",
        "vnic_type": "normal",
        "vif_type": "ovs",
        "vif_details": {},
        "profile": {},
        "status": "ACTIVE",
    }
    assert as_admin.get(path).expect(200).json == {"bindings": [active]}
    as_admin.post(path, {"binding": {"host": "h1"}}).expect(409)
    asked = {"host": "h2", "profile": {"a": "b"}}
    made = as_admin.post(path, {"binding": asked}).expect(201).json["binding"]
    assert made == {**active, **asked, "status": "INACTIVE"}
    as_admin.post(path, {"binding": asked}).expect(409)
    for wrong in ({}, {"host": "h3", "status": "ACTIVE"}, {"host": "h3", "vnic_type": "x"}):
        as_admin.post(path, {"binding": wrong}).expect(400)
    changed = as_admin.put(f"{path}/h2", {"binding": {"profile": {"c": "d"}}}).expect(200)
    assert changed.json["binding"]["profile"] == {"c": "d"}
    assert as_admin.get(f"{path}?host=h2").json["bindings"] == [changed.json["binding"]]
    as_admin.get(f"{path}?colour=red").expect(400)
    as_admin.put(f"{path}/h1/activate").expect(409)
    as_admin.put(f"{path}/h9/activate").expect(404)

    moved = as_admin.put(f"{path}/h2/activate").expect(200).json["binding"]
    assert moved["status"] == "ACTIVE"
    shown = as_admin.get(f"{V2}/ports/{port.pk}").json["port"]
    assert (shown["binding:host_id"], shown["binding:profile"]) == ("h2", {"c": "d"})
    hosts = [(one["host"], one["status"]) for one in as_admin.get(path).json["bindings"]]
    assert hosts == [("h2", "ACTIVE"), ("h1", "INACTIVE")]
    as_admin.delete(f"{path}/h1").expect(204)
    as_admin.delete(f"{path}/h1").expect(404)


def test_a_binding_ends_with_the_server_that_it_was_for(as_admin: ApiClient, cast: Cast) -> None:
    port = Port.objects.create(
        network=make_network(),
        project_id=ALPHA,
        mac_address="fa:16:3e:00:00:01",
        device_id="one",
        device_owner="compute:nova",
        binding_host="h1",
    )
    path = f"{V2}/ports/{port.pk}/bindings"
    as_admin.post(path, {"binding": {"host": "h2"}}).expect(201)
    Port.objects.filter(pk=port.pk).update(device_id="other")
    assert [one["host"] for one in as_admin.get(path).json["bindings"]] == ["h1"]
    as_admin.post(path, {"binding": {"host": "h2"}}).expect(201)
    Port.objects.filter(pk=port.pk).update(device_owner="")
    as_admin.get(path).expect(400)

"""``/servers/{id}/os-interface``: giving a server ports and taking them away."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.utils import timezone

from compute_site.neighbours.network.models import FixedIp, Network, Port, Quota
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.models import Instance, InstanceAction
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance, make_network, make_order, make_port
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs


@pytest.fixture
def server(db: None) -> Instance:
    """A server that runs on a living host, without any NIC."""
    make_host("host")
    return make_server()


def make_server(vm_state: str = "active", **fields: Any) -> Instance:
    return make_instance(vm_state=vm_state, launched_at=timezone.now(), **fields)


def attach(client: ApiClient, server: Instance, version: str = "2.70", **asked: Any) -> Answer:
    body = {"interfaceAttachment": asked}
    return client.post(f"/servers/{server.uuid}/os-interface", body, microversion=version)


def detach(client: ApiClient, server: Instance, port_id: object) -> Answer:
    return client.delete(f"/servers/{server.uuid}/os-interface/{port_id}")


def addresses(client: ApiClient, server: Instance) -> dict[str, list[str]]:
    """The addresses by network, as both URLs that tell of them agree."""
    shown = client.get(f"/servers/{server.uuid}").expect(200).json["server"]["addresses"]
    listed = client.get(f"/servers/{server.uuid}/ips").expect(200).json["addresses"]
    found = {label: [entry["addr"] for entry in entries] for label, entries in shown.items()}
    assert found == {
        label: [entry["addr"] for entry in entries] for label, entries in listed.items()
    }
    return found


def events(server: Instance) -> list[tuple[str, str, str | None]]:
    actions = InstanceAction.objects.filter(instance=server).order_by("pk")
    return [
        (action.action, event.event, event.result)
        for action in actions
        for event in action.events.all()
    ]


def first_address(network: Network) -> str:
    return str(network.subnets.get().allocation_pools[0]["start"])


def test_a_new_port_on_a_network(as_member: ApiClient, server: Instance) -> None:
    network = make_network(name="inside")
    shown = attach(as_member, server, net_id=str(network.pk), tag="eth").expect(200).json
    port = Port.objects.get()
    address = FixedIp.objects.get()
    assert shown == {
        "interfaceAttachment": {
            "net_id": str(network.pk),
            "port_id": str(port.pk),
            "mac_addr": port.mac_address,
            "port_state": "ACTIVE",
            "fixed_ips": [{"subnet_id": str(address.subnet_id), "ip_address": address.address}],
            "tag": "eth",
        }
    }
    assert (port.device_id, port.binding_host, port.project_id) == (str(server.uuid), "host", ALPHA)
    assert [group.name for group in port.security_groups.all()] == ["default"]
    assert addresses(as_member, server) == {"inside": [address.address]}
    assert events(server) == [("attach_interface", "compute_attach_interface", None)]
    run_jobs()
    assert events(server) == [("attach_interface", "compute_attach_interface", "Success")]


def test_the_answer_tells_the_tag_from_2_70(as_member: ApiClient, server: Instance) -> None:
    network_id = str(make_network().pk)
    shown = attach(as_member, server, "2.69", net_id=network_id).expect(200).json
    assert "tag" not in shown["interfaceAttachment"]
    attach(as_member, server, "2.48", net_id=network_id, tag="x").expect(400)
    attach(as_member, server, "2.49", net_id=network_id, tag="x").expect(200)


def test_a_fixed_address(as_member: ApiClient, server: Instance) -> None:
    network = make_network(name="inside")
    asked: dict[str, Any] = {
        "net_id": str(network.pk),
        "fixed_ips": [{"ip_address": first_address(network)}],
    }
    attach(as_member, server, **asked).expect(200)
    assert addresses(as_member, server) == {"inside": [first_address(network)]}
    attach(as_member, server, **asked).expect(409)
    elsewhere = {**asked, "fixed_ips": [{"ip_address": "192.0.2.1"}]}
    attach(as_member, server, **elsewhere).expect(400)
    assert Port.objects.count() == 1


def test_a_port_that_exists(as_member: ApiClient, server: Instance) -> None:
    port = make_port(make_network(name="inside"))
    answer = attach(as_member, server, port_id=str(port.pk)).expect(200)
    assert answer.json["interfaceAttachment"]["port_id"] == str(port.pk)
    port.refresh_from_db()
    assert (port.device_id, port.status) == (str(server.uuid), "ACTIVE")
    attach(as_member, make_server(), port_id=str(port.pk)).expect(409)


@pytest.mark.parametrize("body", [{}, {"interfaceAttachment": {}}])
def test_where_none_is_named_the_only_network_will_do(
    as_member: ApiClient, server: Instance, body: dict[str, Any]
) -> None:
    path = f"/servers/{server.uuid}/os-interface"
    as_member.post(path, body).expect(400)
    make_network(project_id=BETA)
    network = make_network(name="inside")
    shown = as_member.post(path, body).expect(200).json["interfaceAttachment"]
    assert shown["net_id"] == str(network.pk)
    make_network()
    as_member.post(path, body).expect(400)


@pytest.mark.parametrize(
    ("asked", "blamed"),
    [
        ({"net_id": UNKNOWN_ID, "port_id": UNKNOWN_ID}, "port_id"),
        ({"fixed_ips": [{"ip_address": "10.0.0.1"}]}, "fixed_ips"),
        ({"fixed_ips": []}, "fixed_ips"),
        ({"port_id": "x"}, "port_id"),
        ({"nosuch": 1}, "nosuch"),
    ],
)
def test_wishes_that_contradict_themselves(
    as_member: ApiClient, server: Instance, asked: dict[str, Any], blamed: str
) -> None:
    answer = attach(as_member, server, **asked).expect(400)
    assert answer.blamed == [f"interfaceAttachment.{blamed}"]


def test_unknown_and_foreign_things_are_404(as_member: ApiClient, server: Instance) -> None:
    foreign = make_network(project_id=BETA)
    for asked in (
        {"net_id": str(uuid.uuid4())},
        {"net_id": str(foreign.pk)},
        {"port_id": str(uuid.uuid4())},
        {"port_id": str(make_port(foreign).pk)},
    ):
        attach(as_member, server, **asked).expect(404)
    assert not InstanceAction.objects.exists()


def test_an_admin_gives_a_server_no_port_of_another_project(
    as_admin: ApiClient, server: Instance
) -> None:
    port = make_port(make_network(project_id=BETA))
    attach(as_admin, server, port_id=str(port.pk)).expect(400)


def test_a_port_that_an_admin_makes_belongs_to_the_project_of_the_server(
    as_admin: ApiClient, cast: Any
) -> None:
    make_host("host")
    server = make_server(project_id=BETA, user_id=cast.outsider.user_id)
    network = make_network(project_id=BETA)
    attach(as_admin, server, net_id=str(network.pk)).expect(200)
    assert Port.objects.get().project_id == BETA


def test_an_external_network_needs_the_right(
    as_member: ApiClient, as_admin: ApiClient, server: Instance
) -> None:
    network_id = str(make_network(external=True).pk)
    attach(as_member, server, net_id=network_id).expect(403)
    attach(as_admin, server, net_id=network_id).expect(200)


def test_the_quota_of_ports(as_member: ApiClient, server: Instance) -> None:
    network_id = str(make_network().pk)
    Quota.objects.create(project_id=ALPHA, resource="port", limit=1)
    attach(as_member, server, net_id=network_id).expect(200)
    attach(as_member, server, net_id=network_id).expect(403)
    assert Port.objects.count() == 1


def test_a_network_that_is_full(as_member: ApiClient, server: Instance) -> None:
    network = make_network()
    network.subnets.update(allocation_pools=[])
    attach(as_member, server, net_id=str(network.pk)).expect(400)
    assert not Port.objects.exists()


def test_a_port_that_no_host_can_have(as_member: ApiClient, server: Instance) -> None:
    port = make_port(make_network(), vif_type="binding_failed")
    attach(as_member, server, port_id=str(port.pk)).expect(400)


def test_a_new_nic_stands_behind_the_others(as_member: ApiClient, server: Instance) -> None:
    for name in ("b", "a", "c"):
        attach(as_member, server, net_id=str(make_network(name=name).pk)).expect(200)
    server.refresh_from_db()
    assert [nic["label"] for nic in server.network_info] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "state", ["building", "error", "rescued", "suspended", "resized", "shelved_offloaded"]
)
def test_states_that_do_not_allow_it(as_member: ApiClient, server: Instance, state: str) -> None:
    Instance.objects.filter(pk=server.pk).update(vm_state=state)
    attach(as_member, server, net_id=str(make_network().pk)).expect(409)
    detach(as_member, server, uuid.uuid4()).expect(409)


def test_busy_locked_and_young_servers(as_member: ApiClient, as_admin: ApiClient) -> None:
    network_id = str(make_network().pk)
    for server in (make_server(task_state="pausing"), make_instance(), make_order().instance):
        attach(as_member, server, net_id=network_id).expect(409)
        detach(as_member, server, uuid.uuid4()).expect(409)
    locked = make_server(locked=True)
    attach(as_member, locked, net_id=network_id).expect(409)
    attach(as_admin, locked, net_id=network_id).expect(200)


def test_who_may(as_reader: ApiClient, as_outsider: ApiClient, server: Instance) -> None:
    network_id = str(make_network().pk)
    attach(as_reader, server, net_id=network_id).expect(403)
    attach(as_outsider, server, net_id=network_id).expect(404)
    detach(as_reader, server, uuid.uuid4()).expect(403)
    detach(as_outsider, server, uuid.uuid4()).expect(404)


def test_a_port_that_was_made_for_the_server_ends_with_its_nic(
    as_member: ApiClient, server: Instance
) -> None:
    network_id = str(make_network().pk)
    port_id = attach(as_member, server, net_id=network_id).json["interfaceAttachment"]["port_id"]
    run_jobs()
    assert detach(as_member, server, port_id).expect(202).content == b""
    assert Port.objects.exists()
    run_jobs()
    assert not Port.objects.exists()
    assert addresses(as_member, server) == {}
    assert events(server)[-1] == ("detach_interface", "compute_detach_interface", "Success")


def test_a_port_that_was_there_before_is_free_again(as_member: ApiClient, server: Instance) -> None:
    port = make_port(make_network())
    attach(as_member, server, port_id=str(port.pk)).expect(200)
    detach(as_member, server, port.pk).expect(202)
    run_jobs()
    port.refresh_from_db()
    assert (port.device_id, port.device_owner, port.binding_host) == ("", "", "")
    as_member.get(f"/servers/{server.uuid}/os-interface/{port.pk}").expect(404)


def test_a_port_that_the_server_does_not_have_stands_in_the_history(
    as_member: ApiClient, server: Instance
) -> None:
    other = make_port(make_network(), device_id=str(uuid.uuid4()), device_owner="compute:nova")
    for port_id in (other.pk, "nonsense"):
        detach(as_member, server, port_id).expect(202)
    run_jobs()
    assert {result for *_, result in events(server)} == {"Error"}
    assert Port.objects.get().device_id == other.device_id


def fail(*_: Any) -> None:
    raise DriverFailed("no slot")


def test_a_host_that_cannot_plug_leaves_nothing_behind(
    as_member: ApiClient, server: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "attach_nic", fail)
    attach(as_member, server, net_id=str(make_network().pk)).expect(200)
    run_jobs()
    assert not Port.objects.exists()
    assert addresses(as_member, server) == {}
    assert events(server) == [("attach_interface", "compute_attach_interface", "Error")]


def test_a_host_that_cannot_unplug_keeps_the_nic(
    as_member: ApiClient, server: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = make_port(make_network(name="inside"))
    attach(as_member, server, port_id=str(port.pk)).expect(200)
    run_jobs()
    monkeypatch.setattr(fake, "detach_nic", fail)
    detach(as_member, server, port.pk).expect(202)
    run_jobs()
    assert list(addresses(as_member, server)) == ["inside"]


def test_a_deleted_server_gives_its_ports_back(as_member: ApiClient, server: Instance) -> None:
    port = make_port(make_network())
    attach(as_member, server, port_id=str(port.pk)).expect(200)
    attach(as_member, server, net_id=str(make_network().pk)).expect(200)
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    attach(as_member, server, net_id=str(make_network().pk)).expect(409)
    detach(as_member, server, port.pk).expect(409)
    run_jobs()
    assert Port.objects.get().device_id == ""
    assert not queued()

"""What hangs on a server: addresses, ports, volumes, groups, history, layout, password."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from servers.models import BlockDevice, Instance, InstanceAction, InstanceActionEvent
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import (
    make_instance,
    make_network,
    make_order,
    make_port,
    make_security_group,
)
from tests.world.hosts import make_host

NICS = [
    {
        "label": "private",
        "mac": "fa:16:3e:00:00:01",
        "addresses": [["10.0.0.3", 4]],
        "security_groups": ["default"],
    }
]


@pytest.mark.parametrize(
    ("part", "version"),
    [
        ("ips", "2.1"),
        ("ips/private", "2.1"),
        ("os-interface", "2.1"),
        ("os-volume_attachments", "2.1"),
        ("os-security-groups", "2.1"),
        ("os-instance-actions", "2.1"),
        ("os-server-password", "2.1"),
        ("topology", "2.78"),
        ("migrations", "2.23"),
    ],
)
def test_parts_of_foreign_and_unknown_servers_are_404(
    as_outsider: ApiClient, part: str, version: str
) -> None:
    for server_id in (make_instance(network_info=NICS).uuid, uuid.uuid4()):
        as_outsider.get(f"/servers/{server_id}/{part}", microversion=version).expect(404)


def test_addresses(as_member: ApiClient) -> None:
    server = make_instance(network_info=NICS)
    address = {"version": 4, "addr": "10.0.0.3"}
    path = f"/servers/{server.uuid}/ips"
    assert as_member.get(path).json == {"addresses": {"private": [address]}}
    assert as_member.get(f"{path}/private").json == {"private": [address]}
    as_member.get(f"{path}/public").expect(404)
    order = make_order().instance
    assert as_member.get(f"/servers/{order.uuid}/ips").json == {"addresses": {}}


def test_ports_and_their_security_groups(as_member: ApiClient) -> None:
    server = make_instance()
    port = make_port(
        make_network(), device_id=str(server.uuid), device_owner="compute:nova", tag="eth"
    )
    group = make_security_group(name="web", description="d")
    port.security_groups.add(group)
    shown = {
        "net_id": str(port.network_id),
        "port_id": str(port.pk),
        "mac_addr": port.mac_address,
        "port_state": port.status,
        "fixed_ips": [],
    }
    path = f"/servers/{server.uuid}/os-interface"
    assert as_member.get(path).json == {"interfaceAttachments": [shown]}
    one = as_member.get(f"{path}/{port.pk}", microversion="2.70").json
    assert one == {"interfaceAttachment": {**shown, "tag": "eth"}}
    as_member.get(f"{path}/{uuid.uuid4()}").expect(404)
    groups = as_member.get(f"/servers/{server.uuid}/os-security-groups").json["security_groups"]
    assert groups == [
        {
            "id": str(group.pk),
            "name": "web",
            "description": "d",
            "tenant_id": ALPHA,
            "rules": [],
        }
    ]


def test_volumes_by_version(as_member: ApiClient) -> None:
    server = make_instance()
    BlockDevice.objects.create(instance=server, source_type="image")
    volume_id, attachment_id = str(uuid.uuid4()), uuid.uuid4()
    disk = BlockDevice.objects.create(
        instance=server, volume_id=volume_id, device_name="/dev/vdb", attachment_id=attachment_id
    )
    path = f"/servers/{server.uuid}/os-volume_attachments"
    base = {"volumeId": volume_id, "serverId": str(server.uuid), "device": "/dev/vdb"}
    old = {"id": volume_id, **base}
    tagged = {**old, "tag": None}
    fated = {**tagged, "delete_on_termination": False}
    ids = {"attachment_id": str(attachment_id), "bdm_uuid": str(disk.uuid)}
    new = {**base, "tag": None, "delete_on_termination": False, **ids}
    for version, shown in (("2.69", old), ("2.70", tagged), ("2.79", fated), ("2.89", new)):
        listed = as_member.get(path, microversion=version).expect(200).json
        assert listed == {"volumeAttachments": [shown]}
        one = as_member.get(f"{path}/{volume_id}", microversion=version).json
        assert one == {"volumeAttachment": shown}
    assert as_member.get(f"{path}?limit=1").json == {"volumeAttachments": []}
    assert len(as_member.get(f"{path}?offset=1").json["volumeAttachments"]) == 1
    as_member.get(f"{path}/{uuid.uuid4()}").expect(404)


def make_action(server: Instance, request_id: str, **fields: object) -> InstanceAction:
    action = InstanceAction.objects.create(
        instance=server,
        action="create",
        request_id=request_id,
        user_id=Cast.member.user_id,
        project_id=ALPHA,
        **fields,
    )
    InstanceActionEvent.objects.create(
        action=action, event="build", result="Success", host="host1", traceback="t", details="d"
    )
    return action


def test_history_by_version(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_instance()
    make_action(server, "req-1")
    path = f"/servers/{server.uuid}/os-instance-actions"
    keys = {
        "action",
        "instance_uuid",
        "request_id",
        "user_id",
        "project_id",
        "start_time",
        "message",
    }
    [action] = as_member.get(path).json["instanceActions"]
    assert set(action) == keys
    [action] = as_member.get(path, microversion="2.58").json["instanceActions"]
    assert set(action) == keys | {"updated_at"}

    def event_keys(client: ApiClient, version: str) -> set[str]:
        action = client.get(f"{path}/req-1", microversion=version).json["instanceAction"]
        return {key for event in action.get("events", ()) for key in event}

    plain = {"event", "start_time", "finish_time", "result"}
    assert event_keys(as_member, "2.50") == set()
    assert event_keys(as_admin, "2.50") == plain | {"traceback"}
    assert event_keys(as_member, "2.51") == plain
    assert event_keys(as_member, "2.62") == plain | {"hostId"}
    assert event_keys(as_admin, "2.62") == plain | {"traceback", "host", "hostId"}
    assert event_keys(as_member, "2.84") == plain | {"hostId"}
    assert event_keys(as_admin, "2.84") == plain | {"traceback", "host", "hostId", "details"}
    as_member.get(f"{path}/req-nosuch").expect(404)


def test_history_is_paged_from_2_58(as_member: ApiClient) -> None:
    server = make_instance()
    for number in range(3):
        make_action(server, f"req-{number}")
    path = f"/servers/{server.uuid}/os-instance-actions"
    page = as_member.get(f"{path}?limit=2", microversion="2.58").json
    assert [action["request_id"] for action in page["instanceActions"]] == ["req-2", "req-1"]
    assert page["links"][0]["href"].endswith("os-instance-actions?limit=2&marker=req-1")
    rest = as_member.get(f"{path}?limit=2&marker=req-1", microversion="2.58").json
    assert [action["request_id"] for action in rest["instanceActions"]] == ["req-0"]
    assert len(as_member.get(f"{path}?limit=2").json["instanceActions"]) == 3


@pytest.mark.parametrize(
    ("query", "version", "status"),
    [
        ("limit=x", "2.58", 400),
        ("marker=nosuch", "2.58", 400),
        ("changes-since=x", "2.58", 400),
        ("changes-before=2020-01-01", "2.65", 400),
        ("changes-before=2020-01-01", "2.66", 200),
        ("changes-since=2021-01-01&changes-before=2020-01-01", "2.66", 400),
        ("nosuch=1", "2.58", 400),
        ("nosuch=1", "2.57", 200),
    ],
)
def test_queries_of_history(as_member: ApiClient, query: str, version: str, status: int) -> None:
    path = f"/servers/{make_instance().uuid}/os-instance-actions"
    as_member.get(f"{path}?{query}", microversion=version).expect(status)


def test_changes_of_history(as_member: ApiClient) -> None:
    server = make_instance()
    make_action(server, "req-old", updated_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    make_action(server, "req-new")
    path = f"/servers/{server.uuid}/os-instance-actions"

    def found(query: str) -> list[str]:
        actions = as_member.get(f"{path}?{query}", microversion="2.66").json["instanceActions"]
        return [action["request_id"] for action in actions]

    assert found("changes-since=2021-01-01") == ["req-new"]
    assert found("changes-before=2021-01-01") == ["req-old"]


def test_the_history_of_a_deleted_server_is_shown_from_2_21(as_member: ApiClient) -> None:
    server = make_instance(vm_state="deleted", deleted_at=dt.datetime.now(dt.UTC))
    path = f"/servers/{server.uuid}/os-instance-actions"
    as_member.get(path, microversion="2.20").expect(404)
    as_member.get(path, microversion="2.21").expect(200)


def test_diagnostics_are_for_admins_and_need_a_host(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    make_host("host")
    path = f"/servers/{make_instance(network_info=NICS, power_state=1).uuid}/diagnostics"
    as_member.get(path).expect(403)
    assert as_admin.get(path).expect(200).json == {"memory": 512 * 1024}
    seen = as_admin.get(path, microversion="2.48").expect(200).json
    assert seen["state"] == "running"
    assert seen["num_nics"] == len(seen["nic_details"]) == 1
    as_admin.get(f"/servers/{make_order().instance.uuid}/diagnostics").expect(409)


def test_topology_from_2_78(as_member: ApiClient, as_admin: ApiClient) -> None:
    cell = {"id": 0, "cpus": [1, 0], "dedicated_cpus": [2], "memory_mb": 512, "page_size": 4}
    server = make_instance(numa_topology={"cells": [cell]})
    path = f"/servers/{server.uuid}/topology"
    as_member.get(path, microversion="2.77").expect(404)
    node = {"vcpu_set": [0, 1, 2], "siblings": [], "memory_mb": 512}
    shown = as_member.get(path, microversion="2.78").expect(200).json
    assert shown == {"nodes": [node], "pagesize_kb": 4}
    more = as_admin.get(path, microversion="2.78").json["nodes"][0]
    assert more == {**node, "host_node": 0, "cpu_pinning": {}}
    plain = as_member.get(f"/servers/{make_instance().uuid}/topology", microversion="2.78")
    assert plain.json == {"nodes": [], "pagesize_kb": None}


def test_the_password_of_the_guest(as_member: ApiClient, as_reader: ApiClient) -> None:
    server = make_instance(system_metadata={"password_0": "ab", "password_1": "cd", "x": "y"})
    path = f"/servers/{server.uuid}/os-server-password"
    assert as_reader.get(path).json == {"password": "abcd"}
    as_reader.delete(path).expect(403)
    as_member.delete(path).expect(204)
    assert as_member.get(path).json == {"password": ""}
    server.refresh_from_db()
    assert server.system_metadata == {"x": "y"}

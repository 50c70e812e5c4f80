"""``POST /os-server-external-events``: what other services tell of the things of servers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from servers.models import BlockDevice, InstanceAction
from tests.world.cast import UNKNOWN_ID
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance, make_network, make_order, make_port, make_volume


def tell(client: ApiClient, *events: dict[str, Any], version: str = "2.93") -> Answer:
    return client.post("/os-server-external-events", {"events": events}, microversion=version)


def test_changed_nics_are_read_anew(as_admin: ApiClient) -> None:
    server = make_instance()
    network = make_network(name="inside")
    make_port(network, device_id=str(server.uuid), device_owner="compute:nova")
    event = {"name": "network-changed", "server_uuid": str(server.uuid)}
    told = tell(as_admin, event, version="2.1").expect(200).json
    assert told == {"events": [{**event, "status": "completed", "code": 200}]}
    server.refresh_from_db()
    assert [nic["label"] for nic in server.network_info] == ["inside"]


def test_each_event_has_its_own_code(as_admin: ApiClient) -> None:
    server, order = make_instance(), make_order().instance
    answer = tell(
        as_admin,
        {"name": "network-vif-plugged", "server_uuid": str(server.uuid), "tag": "x"},
        {"name": "network-changed", "server_uuid": str(uuid.uuid4()), "status": "in-progress"},
        {"name": "power-update", "server_uuid": str(server.uuid)},
        {"name": "network-changed", "server_uuid": str(order.uuid)},
    ).expect(207)
    events = answer.json["events"]
    assert [event["code"] for event in events] == [200, 404, 400, 422]
    assert [event["status"] for event in events] == ["completed", "failed", "failed", "failed"]
    assert [event.get("tag") for event in events] == ["x", None, None, None]


def test_a_volume_that_has_grown(as_admin: ApiClient) -> None:
    server, volume = make_instance(), make_volume(size=7)
    disk = BlockDevice.objects.create(instance=server, volume_id=str(volume.pk), volume_size=1)
    event = {"name": "volume-extended", "server_uuid": str(server.uuid)}
    tell(as_admin, {**event, "tag": str(volume.pk)}).expect(200)
    disk.refresh_from_db()
    assert disk.volume_size == 7
    tell(as_admin, {**event, "tag": str(uuid.uuid4())}).expect(200)
    actions = InstanceAction.objects.filter(instance=server).order_by("pk")
    assert [action.action for action in actions] == ["extend_volume"] * 2
    assert [action.events.get().result for action in actions] == ["Success", "Error"]


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("volume-extended", "2.51"),
        ("power-update", "2.76"),
        ("accelerator-request-bound", "2.82"),
        ("volume-reimaged", "2.93"),
    ],
)
def test_names_by_version(as_admin: ApiClient, name: str, since: str) -> None:
    event = {"name": name, "server_uuid": str(make_instance().uuid), "tag": "x"}
    before = f"2.{int(since.partition('.')[2]) - 1}"
    assert tell(as_admin, event, version=before).expect(400).blamed == ["events.0.name"]
    tell(as_admin, event, version=since).expect(200)


@pytest.mark.parametrize(
    "event",
    [
        {"name": "nosuch", "server_uuid": UNKNOWN_ID},
        {"name": "network-changed"},
        {"name": "network-changed", "server_uuid": "x"},
        {"name": "network-changed", "server_uuid": UNKNOWN_ID, "status": "x"},
        {"name": "network-changed", "server_uuid": UNKNOWN_ID, "tag": "x" * 256},
        {"name": "network-changed", "server_uuid": UNKNOWN_ID, "nosuch": 1},
    ],
)
def test_wrong_events(as_admin: ApiClient, event: dict[str, Any]) -> None:
    tell(as_admin, event).expect(400)


def test_none_at_all(as_admin: ApiClient) -> None:
    assert tell(as_admin).expect(400).blamed == ["events"]


def test_only_services_and_admins_tell(as_member: ApiClient) -> None:
    event = {"name": "network-changed", "server_uuid": str(make_instance().uuid)}
    tell(as_member, event).expect(403)

"""A server's life through HTTP: accepted, built by a worker, shown, deleted, gone."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.models import Port
from compute_site.neighbours.volume.models import Volume
from servers.drivers import fake
from servers.drivers.protocol import Guest
from servers.models import Allocation, Service
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image, make_network, make_volume
from tests.world.hosts import make_host, make_zone
from tests.world.jobs import run_jobs
from tests.world.reservations import usage_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def body(cast: Cast) -> dict[str, Any]:
    return {
        "name": "web",
        "imageRef": str(make_image().pk),
        "flavorRef": make_flavor().flavorid,
        "networks": [{"uuid": str(make_network().pk)}],
    }


def create(client: ApiClient, body: dict[str, Any]) -> str:
    answer = client.post("/servers", {"server": body}, microversion="2.67").expect(202)
    return str(answer.json["server"]["id"])


def show(client: ApiClient, server_id: str) -> dict[str, Any]:
    server: dict[str, Any] = client.get(f"/servers/{server_id}").expect(200).json["server"]
    return server


def test_from_accepted_to_active_to_gone(
    as_member: ApiClient, as_admin: ApiClient, body: dict[str, Any]
) -> None:
    make_zone("zone-a", make_host("host1"))
    server_id = create(as_member, body)
    assert show(as_member, server_id)["status"] == "BUILD"

    run_jobs()
    server = show(as_admin, server_id)
    assert server["status"] == "ACTIVE"
    assert server["OS-EXT-SRV-ATTR:host"] == "host1"
    assert server["OS-EXT-AZ:availability_zone"] == "zone-a"
    assert server["OS-SRV-USG:launched_at"]
    [addresses] = server["addresses"].values()
    assert len(addresses) == 1

    as_member.delete(f"/servers/{server_id}").expect(204)
    assert show(as_member, server_id)["OS-EXT-STS:task_state"] == "deleting"
    as_member.delete(f"/servers/{server_id}").expect(204)
    run_jobs()
    as_member.get(f"/servers/{server_id}").expect(404)
    as_member.delete(f"/servers/{server_id}").expect(404)
    assert usage_of() == {}
    assert not Port.objects.exists()
    assert not Allocation.objects.exists()


def test_deleted_before_it_is_placed_it_is_gone_at_once(
    as_member: ApiClient, body: dict[str, Any]
) -> None:
    make_host()
    server_id = create(as_member, body)
    as_member.delete(f"/servers/{server_id}").expect(204)
    as_member.get(f"/servers/{server_id}").expect(404)
    assert usage_of() == {}
    run_jobs()
    as_member.get(f"/servers/{server_id}").expect(404)
    assert not Allocation.objects.exists()


def test_without_a_host_it_is_in_error_and_says_why_to_whom(
    as_member: ApiClient, as_admin: ApiClient, body: dict[str, Any]
) -> None:
    make_host("host1", memory_mb=1)
    server_id = create(as_member, body)
    run_jobs()
    server = show(as_member, server_id)
    assert server["status"] == "ERROR"
    assert "too little free memory" in server["fault"]["message"]
    assert "details" not in server["fault"]
    assert "host1" in show(as_admin, server_id)["fault"]["details"]
    assert usage_of()["instances"] == 1
    as_member.delete(f"/servers/{server_id}").expect(204)
    as_member.get(f"/servers/{server_id}").expect(404)
    assert usage_of() == {}


def test_its_host_gone_down_it_is_deleted_at_once(
    as_member: ApiClient, body: dict[str, Any]
) -> None:
    make_host()
    server_id = create(as_member, body)
    run_jobs()
    Service.objects.update(forced_down=True)
    as_member.delete(f"/servers/{server_id}").expect(204)
    as_member.get(f"/servers/{server_id}").expect(404)
    assert usage_of() == {}


def test_booted_from_a_volume_that_ends_with_it(as_member: ApiClient, body: dict[str, Any]) -> None:
    make_host()
    volume = make_volume(size=5)
    disk = {
        "boot_index": 0,
        "uuid": str(volume.pk),
        "source_type": "volume",
        "destination_type": "volume",
        "delete_on_termination": True,
    }
    body = {**body, "block_device_mapping_v2": [disk]}
    del body["imageRef"]
    server_id = create(as_member, body)
    run_jobs()
    assert show(as_member, server_id)["status"] == "ACTIVE"
    volume.refresh_from_db()
    assert volume.status == "in-use"
    as_member.delete(f"/servers/{server_id}").expect(204)
    run_jobs()
    assert not Volume.objects.exists()


def test_a_password_and_a_file_reach_the_guest(
    as_member: ApiClient, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    guests: list[Guest] = []
    monkeypatch.setattr(fake, "spawn", guests.append)
    make_host()
    body = {**body, "adminPass": "open sesame"}
    body["personality"] = [{"path": "/etc/motd", "contents": "aGk="}]
    as_member.post("/servers", {"server": body}, microversion="2.56").expect(202)
    run_jobs()
    [guest] = guests
    assert guest.admin_password == "open sesame"
    assert [dict(file) for file in guest.files] == [{"path": "/etc/motd", "contents": "aGk="}]
    [nic] = guest.nics
    assert nic.mac
    assert [disk.device_name for disk in guest.disks] == ["/dev/vda"]


def test_many_servers_at_once(as_member: ApiClient, body: dict[str, Any]) -> None:
    make_host(vcpus=100)
    body = {**body, "min_count": 5, "max_count": 5}
    create(as_member, body)
    run_jobs()
    found = as_member.get("/servers/detail").expect(200).json["servers"]
    assert [server["status"] for server in found] == ["ACTIVE"] * 5
    addresses = {
        address["addr"]
        for server in found
        for nics in server["addresses"].values()
        for address in nics
    }
    assert len(addresses) == 5

"""What happens to a server whose ports and volumes are of services elsewhere: none of it calls them
inside a transaction of ours, which fails (``CalledInTransaction``), and all ends as it should.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.models import BlockDevice, Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.cloud_services import Neighbours, neighbours_elsewhere
from tests.world.factories import make_image
from tests.world.hosts import make_host
from tests.world.jobs import finish, run_jobs
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    with neighbours_elsewhere() as there:
        yield there


@pytest.fixture
def server(as_member: ApiClient, cast: Cast, neighbours: Neighbours) -> Instance:
    """It runs from a volume, with a port."""
    make_host("host1")
    make_host("host2")
    shop = Shop()
    root = shop.root(destination_type="volume", volume_size=10, delete_on_termination=True)
    network = neighbours.make_network()
    answer = shop.order(
        as_member, networks=[{"uuid": network}], block_device_mapping_v2=[root], imageRef=None
    )
    server_id = answer.expect(202).json["server"]["id"]
    run_jobs()
    found = Instance.objects.get(uuid=server_id)
    assert found.vm_state == "active", found.faults.values_list("message", flat=True)
    return found


def do(client: ApiClient, server: Instance, state: str, **action: Any) -> None:
    """Ask for the action, let workers do it, and see what the server is then."""
    path = f"/servers/{server.uuid}/action"
    assert client.post(path, action, microversion="latest").status in (200, 202)
    run_jobs()
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == (state, None)


def check_bound(neighbours: Neighbours, server: Instance) -> None:
    [port] = neighbours.ports.values()
    assert (port["device_id"], port["binding:host_id"]) == (str(server.uuid), server.host)
    assert [nic["port_id"] for nic in server.network_info] == [port["id"]]


def test_its_power(as_member: ApiClient, server: Instance, neighbours: Neighbours) -> None:
    do(as_member, server, "stopped", **{"os-stop": None})
    do(as_member, server, "active", **{"os-start": None})
    do(as_member, server, "active", reboot={"type": "HARD"})
    check_bound(neighbours, server)


def test_its_moves(as_admin: ApiClient, server: Instance, neighbours: Neighbours) -> None:
    first = server.host
    do(as_admin, server, "active", **{"os-migrateLive": {"host": None, "block_migration": "auto"}})
    assert server.host != first
    check_bound(neighbours, server)
    do(as_admin, server, "resized", migrate=None)
    assert server.host == first
    check_bound(neighbours, server)
    do(as_admin, server, "active", revertResize=None)
    check_bound(neighbours, server)


def test_it_is_shelved_and_brought_back(
    as_admin: ApiClient, server: Instance, neighbours: Neighbours
) -> None:
    do(as_admin, server, "shelved_offloaded", shelve=None)
    do(as_admin, server, "active", unshelve=None)
    check_bound(neighbours, server)
    [volume] = neighbours.volumes.values()
    assert volume["status"] == "in-use"


def test_an_image_of_it_names_snapshots(
    as_member: ApiClient, server: Instance, neighbours: Neighbours
) -> None:
    do(as_member, server, "active", createImage={"name": "kept"})
    [snapshot] = neighbours.snapshots.values()
    assert snapshot["volume_id"] in neighbours.volumes


def test_a_host_that_binds_no_port_is_left_for_another(
    as_member: ApiClient, cast: Cast, neighbours: Neighbours
) -> None:
    make_host("host1")
    make_host("host2")
    neighbours.unbound_hosts = {"host1"}
    network = neighbours.make_network()
    answer = Shop().order(as_member, networks=[{"uuid": network}]).expect(202)
    run_jobs()
    server = Instance.objects.get(uuid=answer.json["server"]["id"])
    assert (server.vm_state, server.host) == ("active", "host2")
    check_bound(neighbours, server)


def test_a_changed_port_is_shown_when_neutron_tells_of_it(
    as_admin: ApiClient, server: Instance, neighbours: Neighbours
) -> None:
    [port] = neighbours.ports.values()
    port["fixed_ips"] = [{"subnet_id": "s", "ip_address": "10.0.0.99"}]
    event = {"name": "network-changed", "server_uuid": str(server.uuid), "tag": port["id"]}
    as_admin.post("/os-server-external-events", {"events": [event]}).expect(200)
    server.refresh_from_db()
    assert server.network_info[0]["addresses"] == [["10.0.0.99", 4]]


def check_whole(neighbours: Neighbours, server: Instance, volume_id: str) -> None:
    """The server is as it was, and so is its volume."""
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("active", None)
    assert neighbours.volumes[volume_id]["status"] == "in-use"
    assert [one["volume_id"] for one in neighbours.attachments.values()] == [volume_id]


@pytest.fixture
def moving(neighbours: Neighbours, server: Instance) -> tuple[str, str]:
    """The volume of the server, which Cinder is moving, and the one that takes what it holds."""
    [old] = neighbours.volumes
    neighbours.volumes[old]["migration_status"] = "migrating"
    return old, neighbours.make_volume(size=10, migration_status=f"target:{old}")


def swap(client: ApiClient, server: Instance, moving: tuple[str, str]) -> None:
    """Do what Cinder asks for."""
    old, new = moving
    path = f"/servers/{server.uuid}/os-volume_attachments/{old}"
    client.put(path, {"volumeAttachment": {"volumeId": new}}).expect(202)
    finish()


def test_its_volume_is_moved_while_it_has_it(
    as_admin: ApiClient, server: Instance, neighbours: Neighbours, moving: tuple[str, str]
) -> None:
    [before] = neighbours.attachments
    swap(as_admin, server, moving)
    [volume_id] = neighbours.volumes
    assert volume_id == moving[0]
    check_whole(neighbours, server, volume_id)
    assert neighbours.volumes[volume_id]["migration_status"] == "success"
    [entry] = neighbours.attachments
    assert entry != before
    disk = BlockDevice.objects.get(instance=server)
    assert (str(disk.volume_id), str(disk.attachment_id)) == (volume_id, entry)
    as_admin.delete(f"/servers/{server.uuid}").expect(204)
    finish()
    assert not neighbours.attachments


def test_its_volume_stays_where_its_host_cannot_swap_it(
    as_admin: ApiClient,
    server: Instance,
    neighbours: Neighbours,
    moving: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise DriverFailed("no")

    monkeypatch.setattr(fake, "swap_disk", fail)
    before = BlockDevice.objects.values().get()
    swap(as_admin, server, moving)
    check_whole(neighbours, server, moving[0])
    assert neighbours.volumes.keys() == {moving[0]}
    assert neighbours.volumes[moving[0]]["migration_status"] == "error"
    assert BlockDevice.objects.values().get() == before


def test_it_has_the_new_volume_where_a_move_does_not_end(
    as_admin: ApiClient, server: Instance, neighbours: Neighbours, moving: tuple[str, str]
) -> None:
    neighbours.ends_moves = False
    swap(as_admin, server, moving)
    check_whole(neighbours, server, moving[1])
    [entry] = neighbours.attachments
    disk = BlockDevice.objects.get(instance=server)
    assert (str(disk.volume_id), str(disk.attachment_id)) == (moving[1], entry)


def test_its_host_writes_no_snapshots(
    as_admin: ApiClient, server: Instance, neighbours: Neighbours
) -> None:
    [volume_id] = neighbours.volumes
    wanted = {"snapshot_id": "1", "type": "qcow2", "new_file": "after"}
    body = {"snapshot": {"volume_id": volume_id, "create_info": wanted}}
    answer = as_admin.post("/os-assisted-volume-snapshots", body).expect(400)
    assert "writes no snapshots" in answer.message
    check_whole(neighbours, server, volume_id)


def rebuild(client: ApiClient, server: Instance) -> str:
    """Rebuild it with another image, which is returned, and let workers do it."""
    image_id = str(make_image().pk)
    path = f"/servers/{server.uuid}/action"
    client.post(path, {"rebuild": {"imageRef": image_id}}, microversion="2.93").expect(202)
    finish()
    server.refresh_from_db()
    return image_id


def test_an_image_is_written_over_its_volume(
    as_member: ApiClient, server: Instance, neighbours: Neighbours
) -> None:
    [before] = neighbours.attachments
    for _ in range(2):  # the same image or another
        image_id = rebuild(as_member, server)
        assert (server.vm_state, server.task_state) == ("active", None)
        [volume] = neighbours.volumes.values()
        assert (volume["status"], volume["image"], volume["metadata"]) == ("in-use", image_id, {})
        [entry] = neighbours.attachments.values()
        assert (entry["status"], entry["instance"]) == ("attached", str(server.uuid))
        assert entry["id"] != before
        before = entry["id"]
        assert str(BlockDevice.objects.get(instance=server).attachment_id) == before
    assert not server.faults.exists()


def test_it_stays_what_it_was_where_no_image_can_be_written(
    as_member: ApiClient, server: Instance, neighbours: Neighbours
) -> None:
    neighbours.writes_images = None
    rebuild(as_member, server)
    [volume_id] = neighbours.volumes
    check_whole(neighbours, server, volume_id)
    [entry] = neighbours.attachments
    assert str(BlockDevice.objects.get(instance=server).attachment_id) == entry
    assert "cannot be written" in server.faults.get().message


def test_it_is_in_error_where_its_volume_is_spoiled(
    as_member: ApiClient, server: Instance, neighbours: Neighbours
) -> None:
    neighbours.writes_images = False
    rebuild(as_member, server)
    assert (server.vm_state, server.task_state) == ("error", None)
    [volume_id] = neighbours.volumes
    assert server.faults.get().message == f"Volume {volume_id} is error."

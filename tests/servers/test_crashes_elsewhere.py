"""What is left in a Neutron and a Cinder elsewhere when a process dies after any call of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from servers.models import BlockDevice, Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.cloud_services import Neighbours, neighbours_elsewhere
from tests.world.crashes import Death, every_crash
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
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    return Death(monkeypatch)


@pytest.fixture
def shop(cast: Cast) -> Shop:
    make_host("host1")
    return Shop()


def made_volume(shop: Shop) -> dict[str, Any]:
    return shop.root(destination_type="volume", volume_size=10, delete_on_termination=True)


def order(client: ApiClient, shop: Shop, port_id: str, network_id: str) -> str:
    answer = shop.order(
        client,
        networks=[{"port": port_id}, {"uuid": network_id}],
        block_device_mapping_v2=[made_volume(shop)],
    )
    return str(answer.expect(202).json["server"]["id"])


def check_empty(neighbours: Neighbours, *ports: str) -> None:
    assert neighbours.ports.keys() == set(ports)
    assert not any(port["device_id"] for port in neighbours.ports.values())
    assert not neighbours.volumes
    assert not neighbours.attachments


def test_a_build_that_dies_goes_on_with_what_it_made(
    as_member: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    network = neighbours.make_network()
    port = neighbours.make_port(network)
    neighbours.slow = 1
    for calls in every_crash():
        server_id = order(as_member, shop, port, network)
        died = death.after(calls, finish)
        finish()
        server = Instance.objects.get(uuid=server_id)
        assert server.vm_state == "active"
        assert server.network_info[0]["port_id"] == port
        held = {one["id"] for one in neighbours.ports.values() if one["device_id"] == server_id}
        assert held == {nic["port_id"] for nic in server.network_info}
        assert len(held) == 2
        [volume] = neighbours.volumes.values()
        assert (volume["status"], volume["metadata"]) == ("in-use", {})
        disk = BlockDevice.objects.get(instance=server)
        assert str(disk.volume_id) == volume["id"]
        as_member.delete(f"/servers/{server_id}").expect(204)
        finish()
        check_empty(neighbours, port)
        if not died:
            return


def test_a_build_that_dies_and_is_not_wanted_any_more_leaves_nothing(
    as_member: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    network = neighbours.make_network()
    port = neighbours.make_port(network)
    for calls in every_crash():
        server_id = order(as_member, shop, port, network)
        died = death.after(calls, run_jobs)
        as_member.delete(f"/servers/{server_id}").expect(204)
        finish()
        check_empty(neighbours, port)
        if not died:
            return


def test_a_deletion_that_dies_is_done_again(
    as_member: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    network = neighbours.make_network()
    port = neighbours.make_port(network)
    for calls in every_crash():
        server_id = order(as_member, shop, port, network)
        finish()
        as_member.delete(f"/servers/{server_id}").expect(204)
        died = death.after(calls, run_jobs)
        finish()
        assert not Instance.objects.alive().exists()
        check_empty(neighbours, port)
        if not died:
            return


def test_an_image_is_written_over_a_volume_though_workers_die(
    as_member: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    made = shop.order(as_member, block_device_mapping_v2=[made_volume(shop)], imageRef=None)
    server_id = made.expect(202).json["server"]["id"]
    finish()
    for calls in every_crash():
        image = str(make_image().pk)
        action = {"rebuild": {"imageRef": image}}
        path = f"/servers/{server_id}/action"
        as_member.post(path, action, microversion="2.93").expect(202)
        died = death.after(calls, finish)
        finish()
        assert Instance.objects.get().vm_state == "active"
        [volume] = neighbours.volumes.values()
        assert (volume["status"], volume["image"], volume["metadata"]) == ("in-use", image, {})
        [entry] = neighbours.attachments
        assert str(BlockDevice.objects.get().attachment_id) == entry
        if not died:
            return


def test_a_volume_is_moved_though_the_worker_dies(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    made = shop.order(as_member, block_device_mapping_v2=[made_volume(shop)], imageRef=None)
    server_id = made.expect(202).json["server"]["id"]
    finish()
    [old] = neighbours.volumes
    path = f"/servers/{server_id}/os-volume_attachments/{old}"
    for calls in every_crash():
        neighbours.volumes[old]["migration_status"] = "migrating"
        new = neighbours.make_volume(size=10, migration_status=f"target:{old}")
        as_admin.put(path, {"volumeAttachment": {"volumeId": new}}).expect(202)
        died = death.after(calls, run_jobs)
        finish()
        [volume] = neighbours.volumes.values()
        assert (volume["id"], volume["status"]) == (old, "in-use")
        assert volume["migration_status"] == "success"
        [entry] = neighbours.attachments
        disk = BlockDevice.objects.get()
        assert (str(disk.volume_id), str(disk.attachment_id)) == (old, entry)
        if not died:
            return


def test_a_server_that_goes_while_its_volume_is_written_leaves_nothing(
    as_member: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    for calls in every_crash():
        root = {**made_volume(shop), "delete_on_termination": False}
        made = shop.order(as_member, block_device_mapping_v2=[root], imageRef=None)
        server_id = made.expect(202).json["server"]["id"]
        finish()
        action = {"rebuild": {"imageRef": str(make_image().pk)}}
        path = f"/servers/{server_id}/action"
        as_member.post(path, action, microversion="2.93").expect(202)
        died = death.after(calls, run_jobs)
        as_member.delete(f"/servers/{server_id}").expect(204)
        finish()
        assert not neighbours.attachments
        [volume] = neighbours.volumes.values()
        assert (volume["status"], volume["metadata"]) == ("available", {})
        neighbours.volumes.clear()
        if not died:
            return


def test_a_request_that_dies_reserves_nothing_for_long(
    as_member: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    volume = neighbours.make_volume(size=10)
    disk = {"source_type": "volume", "destination_type": "volume", "uuid": volume}
    disks = [shop.root(), {**disk, "boot_index": -1}]
    for calls in every_crash():
        died = death.after(calls, lambda: shop.order(as_member, block_device_mapping_v2=disks))
        if not died:
            break
        assert not Instance.objects.exists()
        finish()
        assert not neighbours.attachments
        assert neighbours.volumes[volume]["status"] == "available"
    finish()
    assert Instance.objects.get().vm_state == "active"
    assert neighbours.volumes[volume]["status"] == "in-use"


def test_an_interface_whose_request_dies_is_taken_away(
    as_member: ApiClient, shop: Shop, neighbours: Neighbours, death: Death
) -> None:
    network = neighbours.make_network()
    made = shop.order(as_member, networks=[{"uuid": network}])
    server_id = made.expect(202).json["server"]["id"]
    finish()
    wanted = {"interfaceAttachment": {"net_id": network}}
    for calls in every_crash():
        before = set(neighbours.ports)

        def attach() -> None:
            as_member.post(f"/servers/{server_id}/os-interface", wanted).expect(200)

        died = death.after(calls, attach)
        finish()
        known = {nic["port_id"] for nic in Instance.objects.get().network_info}
        assert neighbours.ports.keys() == known
        if not died:
            assert len(known) == len(before) + 1
            return

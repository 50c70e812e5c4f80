"""What guests write, and where it is found again: on volumes, in images, after a rescue."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server

from tests.guests.machines import wait_until
from tests.guests.world import MARKS, World

pytestmark = MARKS


@pytest.fixture(scope="module")
def second(world: World) -> Iterator[Server]:
    """Another guest that runs, on any host, from a volume made of the image."""
    volume = world.demo.block_storage.create_volume(size=1, name="root", image_id=world.image_id)
    world.demo.block_storage.wait_for_status(volume, "available", interval=0.2, wait=60)
    root = {"boot_index": 0, "uuid": volume.id}
    mapping = root | {"source_type": "volume", "destination_type": "volume"}
    server = world.create("second", config_drive=True, block_device_mapping_v2=[mapping])
    world.until(server, "ACTIVE")
    world.until_says(server, "guest: ready")
    yield server
    world.delete(server)


def test_bytes_on_a_volume_survive_and_go_to_another_guest(
    world: World, guest: Server, second: Server
) -> None:
    volume = world.demo.block_storage.create_volume(size=1, name="travels")
    world.demo.block_storage.wait_for_status(volume, "available", interval=0.2, wait=60)

    world.attach(guest, volume.id)
    with world.serial(guest) as line:
        assert line.run("cat /sys/class/block/vdb/serial") == volume.id[:20]
        line.run("echo kept for later | dd of=/dev/vdb conv=fsync 2>/dev/null; sync")
    world.detach(guest, volume.id)
    with world.serial(guest) as line:
        wait_until(
            lambda: line.run("ls /sys/class/block/vdb 2>/dev/null | wc -l") == "0",
            told=lambda: "the disk is still there",
        )

    world.attach(second, volume.id)
    with world.serial(second) as line:
        assert line.run("head -c 14 /dev/vdb") == "kept for later"
        world.demo.block_storage.extend_volume(volume, 2)
        wait_until(
            lambda: line.run("cat /sys/class/block/vdb/size") == str((2 << 30) // 512),
            told=lambda: world.tell(second),
        )
    world.detach(second, volume.id)
    world.demo.block_storage.delete_volume(volume)


def test_a_server_starts_from_the_image_of_another_that_runs(world: World, guest: Server) -> None:
    with world.serial(guest) as line:
        line.run("echo from the first > /data/mark; sync")
    image = world.demo.compute.create_server_image(guest, "saved", wait=True, timeout=120)
    server = world.create("copy", imageRef=image.id, config_drive=True)
    try:
        world.until(server, "ACTIVE")
        world.until_says(server, "guest: ready")
        with world.serial(server) as line:
            assert line.run("cat /data/mark") == "from the first"
    finally:
        world.delete(server)
        world.demo.image.delete_image(image.id)


def test_backups_take_turns(world: World, guest: Server) -> None:
    """And hold what is on the disk."""
    for _ in range(2):
        world.act(guest, createBackup={"name": "turn", "backup_type": "daily", "rotation": 1})
        world.until(guest, "ACTIVE")
    wait_until(
        lambda: len([one for one in world.demo.image.images() if one.name == "turn"]) == 1,
        told=lambda: world.tell(guest),
    )
    [left] = [one for one in world.demo.image.images() if one.name == "turn"]
    assert (left.status, left.size > 1 << 20) == ("active", True)
    world.demo.image.delete_image(left)


def test_a_rescued_guest_sees_its_own_disk_as_the_second(world: World, guest: Server) -> None:
    boots = world.boots(guest)
    with world.serial(guest) as line:
        line.run("echo before > /data/mark; sync")
    own = world.passwords[guest.id]
    rescue(world, guest)

    world.until_boots(guest, before=boots)
    with world.serial(guest) as line:
        line.run("mkdir -p /old; mount /dev/vdb2 /old; echo after >> /old/mark; sync")
    world.demo.compute.unrescue_server(guest)
    world.until(guest, "ACTIVE")
    world.until_boots(guest, before=boots + 1)

    world.passwords[guest.id] = own
    with world.serial(guest) as line:
        assert line.run("cat /data/mark") == "before\nafter"


def test_a_guest_that_boots_from_a_volume_is_rescued_from_a_disk_beside_it(
    world: World, second: Server
) -> None:
    image = world.demo.create_image(
        "rescuer",
        filename=str(world.image),
        disk_format="qcow2",
        container_format="bare",
        wait=True,
        meta={"hw_rescue_bus": "virtio", "hw_rescue_device": "disk"},
    )
    with world.serial(second) as line:
        line.run("echo before > /data/mark; sync")
    own = world.passwords[second.id]
    rescue(world, second, rescue_image_ref=image.id)

    world.until_boots(second, before=1)
    with world.serial(second) as line:
        line.run("mkdir -p /old; mount /dev/vda2 /old; echo after >> /old/mark; sync")
    world.demo.compute.unrescue_server(second)
    world.until(second, "ACTIVE")
    world.until_boots(second, before=2)

    world.passwords[second.id] = own
    with world.serial(second) as line:
        assert line.run("cat /data/mark") == "before\nafter"
    world.demo.image.delete_image(image)


def rescue(world: World, server: Server, **more: str) -> None:
    action = {"rescue": {"adminPass": "rescue-me", **more}}
    world.act(server, **action)
    world.until(server, "RESCUE")
    world.passwords[server.id] = "rescue-me"

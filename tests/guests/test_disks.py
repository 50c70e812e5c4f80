"""What guests write, and where it is found again: on volumes, in images, after a rescue."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server

from tests.guests.machines import wait_until
from tests.guests.world import MARKS, World

pytestmark = MARKS


@pytest.fixture
def second(world: World) -> Iterator[Server]:
    """Another guest that runs, on any host."""
    server = world.create("second", config_drive=True)
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


def test_a_rescued_guest_sees_its_own_disk_as_the_second(world: World, second: Server) -> None:
    with world.serial(second) as line:
        line.run("echo before > /data/mark; sync")
    answer = world.demo.compute.post(
        f"/servers/{second.id}/action", json={"rescue": {"adminPass": "rescue-me"}}
    )
    assert answer.status_code == 200, answer.text
    world.until(second, "RESCUE")
    own, world.passwords[second.id] = world.passwords[second.id], "rescue-me"

    world.until_says(second, "guest: ready", times=2)
    with world.serial(second) as line:
        line.run("mkdir -p /old; mount /dev/vdb2 /old; echo after >> /old/mark; sync")
    world.demo.compute.unrescue_server(second)
    world.until(second, "ACTIVE")
    world.until_says(second, "guest: ready", times=3)

    world.passwords[second.id] = own
    with world.serial(second) as line:
        assert line.run("cat /data/mark") == "before\nafter"

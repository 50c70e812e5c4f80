"""What guests write, and where it is found again: on volumes, in images, after a rescue."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server

from tests.guests.machines import run, wait_until
from tests.guests.world import MARKS, World, are_up

pytestmark = MARKS
WRITE_ON = (
    "touch /run/go; (while [ -e /run/go ]; do dd if=/dev/zero of=/dev/vdb bs=64k count=8 seek=64 "
    "conv=fsync,notrunc 2>/dev/null || echo no >> /run/failed; done) & true"
)
"""Write to the second disk, and note what fails."""


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
        line.run(WRITE_ON)
        world.demo.block_storage.extend_volume(volume, 2)
        wait_until(
            lambda: line.run("cat /sys/class/block/vdb/size") == str((2 << 30) // 512),
            told=lambda: world.tell(second),
        )
        assert line.run("rm /run/go; wait; cat /run/failed 2>/dev/null | wc -l") == "0"
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


def test_a_guest_that_boots_from_a_volume_moves_and_nothing_is_copied(
    world: World, second: Server
) -> None:
    origin, target = world.host_of(second), world.other_host(second)
    with world.serial(second) as line:
        line.run("echo in memory > /run/memory; echo on disk > /data/mark; sync")
    world.admin.compute.live_migrate_server(second, host=target.name, block_migration="auto")
    wait_until(lambda: world.host_of(second) is target, told=lambda: world.tell(second))
    world.until(second, "ACTIVE")

    assert not (target.state / "libvirt" / second.id / "root.qcow2").exists()
    with world.serial(second) as line:
        assert line.run("cat /run/memory; cat /data/mark; sync") == "in memory\non disk"
    assert not (origin.state / "libvirt" / second.id).exists()
    assert "iscsi" not in origin.virsh("secret-list")
    assert len(targets_of(world, second)) == 1


def test_a_guest_goes_on_when_the_target_server_has_begun_anew(
    world: World, second: Server
) -> None:
    before = targets_of(world, second)
    world.target.end()
    world.target.start()
    with world.serial(second) as line:
        assert line.run("echo after > /data/mark; sync; cat /data/mark") == "after"
    assert targets_of(world, second) == before


def test_a_host_that_was_given_up_writes_to_no_volume_any_more(
    world: World, second: Server
) -> None:
    """Its guest runs still when the server has been built from the same volume elsewhere."""
    origin, target = world.host_of(second), world.other_host(second)
    old = world.serial(second)
    origin.kill_agent()
    service = next(world.admin.compute.services(host=origin.name, binary="nova-compute"))
    world.admin.compute.update_service_forced_down(service, forced=True)
    try:
        world.admin.compute.evacuate_server(second, host=target.name)
        wait_until(lambda: world.host_of(second) is target, told=lambda: world.tell(second))
        assert "running" in origin.virsh("domstate", second.id)
        with old as line:
            line.type("echo of the old one > /data/mark; sync")
        world.until(second, "ACTIVE")
        world.until_says(second, "guest: ready")
        assert world.ssh(second, "cat /data/mark; echo new > /data/mark; sync") == "after"
        assert len(targets_of(world, second)) == 1
    finally:
        origin.start_agent()
    wait_until(lambda: second.id not in origin.virsh("list", "--uuid"), told=origin.agent_log)
    world.admin.compute.update_service_forced_down(service, forced=False)
    wait_until(lambda: are_up(world), told=origin.agent_log)
    assert world.ssh(second, "cat /data/mark") == "new"


def targets_of(world: World, server: Server) -> set[str]:
    """The targets that serve its volumes now."""
    control = f"{world.state.parent}/target/tgtd"
    told = run("tgtadm", "--mode", "target", "--op", "show", TGT_IPC_SOCKET=control)
    volumes = [one.volume_id for one in world.demo.compute.volume_attachments(server.id)]
    found = re.findall(r"^Target \d+: (\S+)$(.*?)(?=^Target |\Z)", told, re.MULTILINE | re.DOTALL)
    return {name for name, about in found if any(volume in about for volume in volumes)}


def rescue(world: World, server: Server, **more: str) -> None:
    action = {"rescue": {"adminPass": "rescue-me", **more}}
    world.act(server, **action)
    world.until(server, "RESCUE")
    world.passwords[server.id] = "rescue-me"

"""Guests that go to another host, or to another size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server

from tests.guests.machines import wait_until
from tests.guests.world import MARKS, World, are_up

pytestmark = MARKS


@pytest.fixture
def mover(world: World) -> Iterator[Server]:
    """A guest that runs, and remembers something in memory and on disk."""
    server = world.create("mover", config_drive=True)
    world.until(server, "ACTIVE")
    world.until_says(server, "guest: ready")
    with world.serial(server) as line:
        line.run("echo in memory > /run/memory; echo on disk > /data/mark; sync")
    yield server
    world.delete(server)


def test_a_guest_moves_to_another_host_while_it_runs(world: World, mover: Server) -> None:
    origin, target = world.host_of(mover), world.other_host(mover)

    world.admin.compute.live_migrate_server(mover, host=target.name, block_migration="auto")
    wait_until(lambda: world.host_of(mover) is target, told=lambda: world.tell(mover), seconds=120)
    world.until(mover, "ACTIVE")

    with world.serial(mover) as line:
        assert line.run("cat /run/memory") == "in memory"
        assert line.run("cat /data/mark") == "on disk"
    assert world.ssh(mover, "hostname") == "mover"
    assert mover.id not in origin.virsh("list", "--all", "--uuid")
    assert not (origin.state / "libvirt" / mover.id).exists()


def test_a_guest_grows_on_another_host_and_keeps_its_disk(world: World, mover: Server) -> None:
    world.demo.compute.resize_server(mover, "2")
    world.until(mover, "VERIFY_RESIZE")
    world.demo.compute.confirm_server_resize(mover)
    world.until(mover, "ACTIVE")

    world.until_says(mover, "guest: ready")
    with world.serial(mover) as line:
        assert line.run("cat /data/mark") == "on disk"
        assert line.run("nproc") == "2"
        assert line.run("cat /sys/class/block/vda/size") == str((2 << 30) // 512)


def test_a_server_is_built_elsewhere_when_its_host_is_given_up_and_the_old_guest_ends(
    world: World, mover: Server
) -> None:
    origin, target = world.host_of(mover), world.other_host(mover)
    origin.kill_agent()
    service = next(world.admin.compute.services(host=origin.name, binary="nova-compute"))
    world.admin.compute.update_service_forced_down(service, forced=True)
    try:
        world.admin.compute.evacuate_server(mover, host=target.name)
        wait_until(lambda: world.host_of(mover) is target, told=lambda: world.tell(mover))
        world.until(mover, "ACTIVE")
        assert "guest: boots=1" in world.until_says(mover, "guest: ready")
        assert mover.id in origin.virsh("list", "--uuid")
    finally:
        origin.start_agent()
    wait_until(
        lambda: mover.id not in origin.virsh("list", "--all", "--uuid"), told=origin.agent_log
    )
    world.admin.compute.update_service_forced_down(service, forced=False)
    wait_until(lambda: are_up(world), told=origin.agent_log)

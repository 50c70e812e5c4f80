"""Guests that go to another host, or to another size."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openstack.compute.v2.server import Server

from tests.guests.machines import Host, wait_until
from tests.guests.world import MARKS, World, are_up

pytestmark = MARKS
PINGS, PING_SECONDS, MOST_LOST = 100, 0.2, 2
SLOW, FAST = 64, 1 << 20
"""MiB a second of a move."""


@pytest.fixture(scope="module")
def booted(world: World) -> Iterator[Server]:
    server = world.create("mover", config_drive=True)
    world.until(server, "ACTIVE")
    world.until_says(server, "guest: ready")
    with world.serial(server) as line:
        line.run("echo in memory > /run/memory; echo on disk > /data/mark; sync")
    yield server
    world.delete(server)


@pytest.fixture
def mover(world: World, booted: Server) -> Server:
    """A guest that runs, and remembers something in memory and on disk until it is built anew."""
    return world.until(booted, "ACTIVE", seconds=20)


def test_a_guest_moves_to_another_host_while_it_runs(
    world: World, mover: Server, guest: Server
) -> None:
    """It stays at first, as somebody thinks better of it; then it goes, and answers meanwhile."""
    origin, target = world.host_of(mover), world.other_host(mover)
    abort_a_move(world, mover)
    assert world.host_of(mover) is origin
    wait_until(lambda: not (target.state / "libvirt" / mover.id).exists(), told=target.agent_log)
    drive = (origin.state / "libvirt" / mover.id / "config.iso").read_bytes()
    assert b"admin_pass" in drive

    with pings(world, guest, mover) as lost:
        move(world, mover)

    assert (target.state / "libvirt" / mover.id / "config.iso").read_bytes() == drive
    assert len(lost()) <= MOST_LOST
    with world.serial(mover) as line:
        assert line.run("cat /run/memory") == "in memory"
        assert line.run("cat /data/mark") == "on disk"
    assert world.ssh(mover, "hostname") == "mover"
    assert mover.id not in origin.virsh("list", "--all", "--uuid")
    assert not (origin.state / "libvirt" / mover.id).exists()

    force_a_move(world, mover)
    assert world.host_of(mover) is origin
    with world.serial(mover) as line:
        assert line.run("cat /run/memory") == "in memory"


def move(world: World, server: Server, speed: int = 0) -> None:
    """Begin a move and, without a ``speed`` (MiB a second), wait for its end."""
    origin, target = world.host_of(server), world.other_host(server)
    if speed:
        origin.virsh("migrate-setspeed", server.id, str(speed))
    world.admin.compute.live_migrate_server(server, host=target.name, block_migration="auto")
    if not speed:
        until_on(world, server, target)


def until_on(world: World, server: Server, target: Host) -> None:
    wait_until(lambda: world.host_of(server) is target, told=lambda: world.tell(server))
    world.until(server, "ACTIVE")


def copying(world: World, server: Server) -> dict[str, Any]:
    """The move of the server, once its host tells how much was copied."""

    def look() -> dict[str, Any] | None:
        path = f"/servers/{server.id}/migrations"
        found = world.admin.compute.get(path, microversion="2.80").json()["migrations"]
        return next((one for one in found if one["disk_processed_bytes"]), None)

    return dict(wait_until(look, told=lambda: world.tell(server)))


def abort_a_move(world: World, server: Server) -> None:
    move(world, server, speed=SLOW)
    going = copying(world, server)
    check_encrypted(world.host_of(server), server)
    assert going["disk_remaining_bytes"] < going["disk_total_bytes"] == 1 << 30
    path = f"/servers/{server.id}/migrations/{going['id']}"
    assert world.admin.compute.delete(path, microversion="2.80").status_code == 202
    world.until(server, "ACTIVE")
    world.host_of(server).virsh("migrate-setspeed", server.id, str(FAST))


def check_encrypted(origin: Host, server: Server) -> None:
    """Memory goes by TLS, with the certificate that QEMU has for this."""
    asked = ("qemu-monitor-command", server.id)
    memory = origin.virsh(*asked, "--hmp", "info migrate_parameters")
    assert re.search(r"tls-creds: '\w+'", memory), memory


def force_a_move(world: World, server: Server) -> None:
    """The guest stands still from then on, until it has arrived."""
    origin, target = world.host_of(server), world.other_host(server)
    move(world, server, speed=SLOW)
    path = f"/servers/{server.id}/migrations/{copying(world, server)['id']}/action"
    world.admin.compute.post(path, json={"force_complete": None}, microversion="2.65")
    wait_until(
        lambda: (
            "paused (migrating)" in origin.virsh("domstate", server.id, "--reason", check=False)
        ),
        told=lambda: world.tell(server),
    )
    until_on(world, server, target)
    assert "running" in target.virsh("domstate", server.id)


@contextlib.contextmanager
def pings(world: World, origin: Server, to: Server) -> Iterator[Callable[[], set[int]]]:
    """One guest asks the other a hundred times; which of them were never answered."""
    command = f"ping -c {PINGS} -i {PING_SECONDS} -W 2 {world.address_of(to)}; true"
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(world.ssh, origin, command)

        def lost() -> set[int]:
            text = asked.result(PINGS * PING_SECONDS + 60)
            return set(range(PINGS)) - {int(number) for number in re.findall(r"seq=(\d+)", text)}

        yield lost


def test_a_guest_grows_on_another_host_and_keeps_its_disk(world: World, mover: Server) -> None:
    """A cold migration first, that is taken back."""
    origin = world.host_of(mover)
    world.act(mover, who=world.admin, migrate=None)
    world.until(mover, "VERIFY_RESIZE")
    assert world.host_of(mover) is not origin
    world.act(mover, who=world.admin, revertResize=None)
    world.until(mover, "ACTIVE")
    assert world.host_of(mover) is origin

    world.demo.compute.resize_server(mover, "2")
    world.until(mover, "VERIFY_RESIZE")
    world.demo.compute.confirm_server_resize(mover)
    world.until(mover, "ACTIVE")

    world.until_says(mover, "guest: ready")
    with world.serial(mover) as line:
        assert line.run("cat /data/mark") == "on disk"
        assert line.run("nproc") == "2"
        assert line.run("cat /sys/class/block/vda/size") == str((2 << 30) // 512)


def test_a_shelved_server_leaves_its_host_and_comes_back_with_its_disk(
    world: World, mover: Server
) -> None:
    world.act(mover, shelve=None)
    wait_until(
        lambda: world.admin.compute.get_server(mover.id).status == "SHELVED_OFFLOADED",
        told=lambda: world.tell(mover),
    )
    assert all(mover.id not in host.virsh("list", "--all", "--uuid") for host in world.hosts)

    world.act(mover, unshelve=None)

    world.until(mover, "ACTIVE")
    world.until_says(mover, "guest: ready")
    assert world.ssh(mover, "cat /data/mark") == "on disk"


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

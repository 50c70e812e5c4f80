"""Volumes by iSCSI of a guest that boots from one and has another: swapped while it writes, and on
other hosts with it. No host reaches them on which the server does not lie.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server

from tests.guests.machines import Host, run, wait_until
from tests.guests.world import MARKS, World

pytestmark = MARKS
KEPT, WRITTEN = "kept for later", "written after"
WRITE_ON = (
    "(while [ ! -e /run/enough ]; do dd if=/dev/zero of=/dev/vdb bs=64k count=8 seek=64 "
    "conv=fsync,notrunc 2>/dev/null || touch /run/failed; done; touch /run/ended) & true"
)
ENOUGH = (
    "touch /run/enough; while [ ! -e /run/ended ]; do usleep 50000; done; ls /run | grep failed"
)


@pytest.fixture(scope="module")
def carrier(world: World) -> Iterator[Server]:
    root = {"boot_index": 0, "uuid": world.image_id, "volume_size": 1}
    mapping = root | {"source_type": "image", "destination_type": "volume"}
    mapping["delete_on_termination"] = True
    server = world.create("carrier", config_drive=True, block_device_mapping_v2=[mapping])
    world.until(server, "ACTIVE")
    world.attach(server, a_volume(world, "first"))
    world.until_says(server, "guest: ready")
    with world.serial(server) as line:
        line.run(f"echo {KEPT} | dd of=/dev/vdb conv=fsync,notrunc 2>/dev/null")
        line.run("echo on the root disk > /data/mark; sync")
    yield server
    world.delete(server)


def a_volume(world: World, name: str) -> str:
    volume = world.demo.block_storage.create_volume(size=1, name=name)
    world.demo.block_storage.wait_for_status(volume, "available", interval=0.2, wait=60)
    return str(volume.id)


def data_volume(world: World, server: Server) -> str:
    listed = world.demo.compute.volume_attachments(server.id)
    return next(one.volume_id for one in listed if one.device == "/dev/vdb")


def test_a_guest_that_writes_goes_on_with_another_volume_and_its_bytes(
    world: World, carrier: Server
) -> None:
    old, new = data_volume(world, carrier), a_volume(world, "second")
    body = {"os-reset_status": {"migration_status": "migrating"}}
    storage = world.admin.block_storage
    assert storage.post(f"/volumes/{old}/action", json=body).status_code == 202
    before = served(world, [old])
    with world.serial(carrier) as line:
        line.run(WRITE_ON)
        path = f"/servers/{carrier.id}/os-volume_attachments/{old}"
        told = {"volumeAttachment": {"volumeId": new}}
        assert world.admin.compute.put(path, json=told).status_code == 202
        wait_until(
            lambda: (
                data_volume(world, carrier) == new
                and world.demo.block_storage.get_volume(old).status == "available"
            ),
            told=lambda: world.tell(carrier),
        )
        assert line.run(ENOUGH) == ""
        assert line.run(f"head -c {len(KEPT)} /dev/vdb") == KEPT
        line.run(f"echo {WRITTEN} | dd of=/dev/vdb bs=1k seek=8 conv=fsync,notrunc 2>/dev/null")
    folder = world.state.parent / "volumes"
    contents = [(folder / f"volume-{one}").open("rb").read(16 << 10) for one in (old, new)]
    assert [KEPT.encode() in content for content in contents] == [True, True]
    assert [WRITTEN.encode() in content for content in contents] == [False, True]
    wait_until(lambda: not served(world, [old]), told=lambda: before)
    world.demo.block_storage.delete_volume(old)
    check_only_at(world, carrier, world.host_of(carrier))


def test_a_guest_moves_live_with_a_volume_that_was_swapped(world: World, carrier: Server) -> None:
    origin, target = world.host_of(carrier), world.other_host(carrier)
    world.admin.compute.live_migrate_server(carrier, host=target.name, block_migration="auto")
    wait_until(lambda: world.host_of(carrier) is target, told=lambda: world.tell(carrier))
    world.until(carrier, "ACTIVE")
    check_only_at(world, carrier, target, not_at=origin)
    check_bytes(world, carrier)


def test_volumes_go_with_a_server_to_another_host_and_back(world: World, carrier: Server) -> None:
    """A cold migration that is confirmed, and a resize that is taken back."""
    origin = world.host_of(carrier)
    world.act(carrier, who=world.admin, migrate=None)
    world.until(carrier, "VERIFY_RESIZE")
    target = world.host_of(carrier)
    assert target is not origin
    check_only_at(world, carrier, target, not_at=origin)
    world.demo.compute.confirm_server_resize(carrier)
    world.until(carrier, "ACTIVE")
    world.until_boots(carrier, before=0)
    check_bytes(world, carrier)

    world.act(carrier, who=world.admin, resize={"flavorRef": "2"})
    world.until(carrier, "VERIFY_RESIZE")
    check_only_at(world, carrier, world.host_of(carrier))
    world.demo.compute.revert_server_resize(carrier)
    world.until(carrier, "ACTIVE")
    assert world.host_of(carrier) is target
    check_only_at(world, carrier, target)
    world.until_boots(carrier, before=0)
    check_bytes(world, carrier)


def test_nobody_reaches_the_volumes_of_a_shelved_server_until_it_comes_back(
    world: World, carrier: Server
) -> None:
    volumes = volumes_of(world, carrier)
    world.act(carrier, shelve=None)
    wait_until(
        lambda: world.admin.compute.get_server(carrier.id).status == "SHELVED_OFFLOADED",
        told=lambda: world.tell(carrier),
    )
    wait_until(lambda: not served(world, volumes), told=lambda: served(world, volumes))
    assert all("iscsi" not in host.virsh("secret-list") for host in world.hosts)

    world.act(carrier, unshelve=None)

    world.until(carrier, "ACTIVE")
    check_only_at(world, carrier, world.host_of(carrier))
    world.until_boots(carrier, before=0)
    check_bytes(world, carrier)


def check_bytes(world: World, server: Server) -> None:
    with world.serial(server) as line:
        assert line.run("cat /data/mark") == "on the root disk"
        assert line.run(f"head -c {len(KEPT)} /dev/vdb") == KEPT
        written = f"dd if=/dev/vdb bs=1k skip=8 count=1 2>/dev/null | head -c {len(WRITTEN)}"
        assert line.run(written) == WRITTEN


def check_only_at(world: World, server: Server, host: Host, *, not_at: Host | None = None) -> None:
    """Each of its volumes is served once, this host alone is connected, and another one gets in
    neither with what it had nor without.
    """
    volumes = volumes_of(world, server)

    def connected() -> list[set[str]]:
        return [set(re.findall(r"IP Address: (\S+)", about)) for about in served(world, volumes)]

    alone = [{host.address}] * len(volumes)
    wait_until(lambda: connected() == alone, told=lambda: (connected(), world.tell(server)))
    if not_at is not None:
        assert "iscsi" not in not_at.virsh("secret-list")
        for about in served(world, volumes):
            target = about.split()[0]
            url = f"iscsi://{not_at.bridge.address}:3260/{target}/1"
            refused = not_at.run("sh", "-c", f"qemu-img info {url} 2>&1; true")
            assert "Failed to connect to LUN" in refused


def volumes_of(world: World, server: Server) -> list[str]:
    return [one.volume_id for one in world.demo.compute.volume_attachments(server.id)]


def served(world: World, volumes: list[str]) -> list[str]:
    """What the target server tells of the targets of these volumes; each begins with its name."""
    control = f"{world.state.parent}/target/tgtd"
    told = run("tgtadm", "--mode", "target", "--op", "show", TGT_IPC_SOCKET=control)
    found = re.split(r"^Target \d+: ", told, flags=re.MULTILINE)[1:]
    return [about for about in found if any(f"volume-{one}" in about for one in volumes)]

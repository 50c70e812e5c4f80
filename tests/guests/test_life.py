"""A guest's life, from an uploaded image to its end."""

from __future__ import annotations

import base64

from openstack.compute.v2.server import Server

from tests.guests.machines import wait_until
from tests.guests.world import MARKS, World

pytestmark = MARKS


def test_a_server_of_an_uploaded_image_starts_and_reads_its_config_drive(
    world: World, guest: Server
) -> None:
    log = world.console(guest)

    assert f"guest: instance-id={guest.id} hostname=shared source=configdrive" in log
    assert "keys=ssh-ed25519" in log
    assert "guest: file=/etc/motd" in log
    assert "guest: user-data: hello from user data" in log


def test_the_owner_of_the_key_logs_in_by_ssh(world: World, guest: Server) -> None:
    assert world.ssh(guest, "id -u; hostname") == "0\nshared"
    assert f"ip={world.address_of(guest)}/24 by=dhcp" in world.console(guest)


def test_without_a_config_drive_a_guest_asks_the_metadata_service(world: World) -> None:
    text = base64.b64encode(b"#!/bin/sh\necho hello from metadata\n").decode()
    server = world.create("asking", user_data=text)
    try:
        world.until(server, "ACTIVE")
        log = world.until_says(server, "guest: ready")

        assert f"guest: instance-id={server.id} hostname=asking source=metadata" in log
        assert "guest: user-data: hello from metadata" in log
        assert world.ssh(server, "hostname") == "asking"
    finally:
        world.delete(server)


def test_the_administrator_logs_in_on_the_serial_line_with_the_password_of_the_answer(
    world: World, guest: Server
) -> None:
    with world.serial(guest) as line:
        assert line.run("id -u") == "0"
        assert line.run("cat /etc/motd") == "hello from a file"
        assert line.run("cat /sys/class/block/vda/size") == str((1 << 30) // 512)
        assert line.run("nproc") == "1"


def test_a_paused_guest_stands_still_and_goes_on(world: World, guest: Server) -> None:
    boots = world.boots(guest)
    world.demo.compute.pause_server(guest)
    paused = world.until(guest, "PAUSED")
    assert paused.power_state == 3

    world.demo.compute.unpause_server(guest)

    world.until(guest, "ACTIVE")
    with world.serial(guest) as line:
        assert line.run("echo awake") == "awake"
    assert world.boots(guest) == boots


def test_a_suspended_guest_wakes_with_what_it_had_in_memory(world: World, guest: Server) -> None:
    with world.serial(guest) as line:
        line.run("echo remembered > /run/memory")
    world.demo.compute.suspend_server(guest)
    assert world.until(guest, "SUSPENDED").power_state == 7

    world.demo.compute.resume_server(guest)

    world.until(guest, "ACTIVE")
    with world.serial(guest) as line:
        assert line.run("cat /run/memory") == "remembered"


def test_a_guest_that_is_stopped_hears_its_power_button_and_starts_with_what_it_wrote(
    world: World, guest: Server
) -> None:
    boots = world.boots(guest)
    buttons = world.console(guest).count("guest: power button")
    world.demo.compute.stop_server(guest)
    assert world.until(guest, "SHUTOFF").power_state == 4
    assert world.console(guest).count("guest: power button") == buttons + 1

    world.demo.compute.start_server(guest)

    world.until(guest, "ACTIVE")
    log = world.until_says(guest, "guest: ready", times=boots + 1)
    assert f"guest: boots={boots + 1}" in log


def test_a_guest_is_rebooted_softly_and_at_once(world: World, guest: Server) -> None:
    boots, buttons = world.boots(guest), world.console(guest).count("guest: power button")
    world.act(guest, reboot={"type": "SOFT"})
    world.until(guest, "ACTIVE")
    world.until_boots(guest, before=boots)
    assert world.console(guest).count("guest: power button") == buttons + 1

    world.act(guest, reboot={"type": "HARD"})
    world.until(guest, "ACTIVE")
    world.until_boots(guest, before=boots + 1)
    assert world.console(guest).count("guest: power button") == buttons + 1


def test_a_guest_that_powers_itself_off_becomes_shutoff(world: World, guest: Server) -> None:
    boots = world.boots(guest)
    with world.serial(guest) as line:
        line.type("sync; umount /data; poweroff -f")
    world.until(guest, "SHUTOFF")

    world.demo.compute.start_server(guest)

    world.until(guest, "ACTIVE")
    world.until_says(guest, "guest: ready", times=boots + 1)


def test_a_guest_goes_on_while_its_agent_is_killed_and_begins_anew(
    world: World, guest: Server
) -> None:
    host = world.host_of(guest)
    boots = world.boots(guest)

    host.kill_agent()
    with world.serial(guest) as line:
        assert line.run("echo alone") == "alone"
    host.start_agent()

    world.demo.compute.pause_server(guest)
    world.until(guest, "PAUSED")
    world.demo.compute.unpause_server(guest)
    world.until(guest, "ACTIVE")
    assert world.boots(guest) == boots


def test_a_host_that_cannot_do_what_is_asked_for_names_it(world: World) -> None:
    server = world.create("watched", flavor="watched")
    try:
        failed = world.until(server, "ERROR")

        events = world.admin.compute.server_actions(server.id)
        assert failed.power_state == 0
        assert [event.action for event in events] == ["create"]
        assert "hw:viommu_model=intel of the flavor" in str(failed.fault)
    finally:
        world.delete(server)


def test_a_guest_has_its_ephemeral_disk_and_swap_and_all_of_it_goes_when_it_is_deleted(
    world: World,
) -> None:
    server = world.create("rich", flavor="rich", config_drive=True)
    world.until(server, "ACTIVE")
    host = world.host_of(server)
    folder = host.state / "libvirt" / server.id
    names = {path.name for path in folder.iterdir()}
    assert {"root.qcow2", "ephemeral0.qcow2", "swap.qcow2", "config.iso"} <= names
    xml = host.virsh("dumpxml", server.id)
    assert [name for name in ("vda", "vdb", "vdc") if f"dev='{name}'" in xml] == [
        "vda",
        "vdb",
        "vdc",
    ]

    world.delete(server)

    wait_until(lambda: not folder.exists(), told=host.agent_log)
    assert server.id not in host.virsh("list", "--all", "--uuid")


def test_a_rebuilt_server_starts_from_a_fresh_disk(world: World) -> None:
    server = world.create("anew", config_drive=True)
    world.until(server, "ACTIVE")
    world.until_says(server, "guest: ready")
    told = base64.b64encode(b"#!/bin/sh\necho second life\n").decode()

    world.demo.compute.rebuild_server(server, image=world.image_id, user_data=told)

    try:
        world.until(server, "ACTIVE")
        log = world.until_says(server, "guest: ready")
        assert "guest: boots=1" in log
        assert "guest: user-data: second life" in log
    finally:
        world.delete(server)


def test_what_others_run_on_the_same_libvirt_is_not_touched(world: World, guest: Server) -> None:
    host = world.host_of(guest)
    xml = host.folder / "foreign.xml"
    xml.write_text(
        "<domain type='qemu'><name>foreign</name><memory unit='MiB'>16</memory>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )
    host.virsh("create", str(xml), "--paused")
    try:
        host.stop_agent()
        host.start_agent()
        world.demo.compute.pause_server(guest)
        world.until(guest, "PAUSED")
        world.demo.compute.unpause_server(guest)
        world.until(guest, "ACTIVE")

        assert "foreign" in host.virsh("list", "--name")
        assert "foreign" not in host.agent_log()
    finally:
        host.virsh("destroy", "foreign")

"""What changes a guest that runs: NICs, rules, an interrupt; and what it is told of itself."""

from __future__ import annotations

import base64
import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from openstack.compute.v2.server import Server

from tests.guests.machines import wait_until
from tests.guests.world import MARKS, NETWORK, World

pytestmark = MARKS
PORT = 2222
LATEST, SILENT = 10.0, 1.5
TIMES, KNOCKING = 3, 120
"""Seconds until a rule counts, and without an answer; how often, and how long it is tried."""
Answered = Callable[[float], list[float]]


def test_a_nic_comes_to_a_guest_that_runs_and_leaves_it(world: World, guest: Server) -> None:
    group = world.demo.network.find_security_group("open")
    port = world.demo.network.create_port(network_id=NETWORK, security_group_ids=[group.id])
    address = port.fixed_ips[0]["ip_address"]

    world.demo.compute.create_server_interface(guest.id, port_id=port.id)

    with world.serial(guest) as line:
        wait_until(
            lambda: line.run("ls -d /sys/class/net/eth1 2>/dev/null") != "",
            told=lambda: world.tell(guest),
        )
        assert line.run("cat /sys/class/net/eth1/address") == port.mac_address
        line.run("ip link set eth1 up; udhcpc -i eth1 -n -q -t 10 -T 1 -s /bin/dhcp-script")
        assert f"{address}/24" in line.run("ip -4 -o addr show eth1")

    world.demo.compute.delete_server_interface(port.id, server=guest.id)

    with world.serial(guest) as line:
        wait_until(
            lambda: line.run("ls -d /sys/class/net/eth1 2>/dev/null") == "",
            told=lambda: world.tell(guest),
        )
    wait_until(
        lambda: not world.demo.network.get_port(port.id).device_id, told=lambda: world.tell(guest)
    )
    world.demo.network.delete_port(port)


def test_a_rule_reaches_a_guest_that_runs_and_its_end_does_too(world: World, guest: Server) -> None:
    """Nobody listens at the port: that the guest refuses says that it was asked."""
    group = world.demo.network.create_security_group(name="late")
    [port] = world.demo.network.ports(device_id=guest.id)
    before = list(port.security_group_ids)
    world.demo.network.update_port(port, security_groups=[*before, group.id])
    try:
        with knocks(world, guest) as answered:
            for _ in range(TIMES):
                opened, closed = open_and_close(world, guest, group.id, answered)
                load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
                told = f"a rule counts after {opened:.2f} s, its end after {closed:.2f} s"
                sys.stdout.write(f"{told} (load {load})\n")
    finally:
        world.demo.network.update_port(port, security_groups=before)
        world.demo.network.delete_security_group(group)


def open_and_close(
    world: World, guest: Server, group: str, answered: Answered
) -> tuple[float, float]:
    """The seconds until a rule counted, and until it did not any more."""
    began = time.monotonic()
    where = {"port_range_min": PORT, "port_range_max": PORT, "security_group_id": group}
    rule = world.demo.network.create_security_group_rule(
        direction="ingress", protocol="tcp", **where
    )
    wait_until(lambda: answered(began), told=lambda: world.tell(guest), seconds=LATEST)
    ended = time.monotonic()
    world.demo.network.delete_security_group_rule(rule)
    wait_until(
        lambda: not answered(time.monotonic() - SILENT),
        told=lambda: world.tell(guest),
        seconds=LATEST,
    )
    seen = answered(began)
    return seen[0] - began, seen[-1] - ended


@contextlib.contextmanager
def knocks(world: World, guest: Server) -> Iterator[Answered]:
    """When the guest answered knocks at the port, from some time on."""
    file = world.host_of(guest).state / "knocks"
    script = Path(__file__).with_name("knocking.py")
    words = [sys.executable, script, world.address_of(guest), PORT, KNOCKING, file]
    program = shlex.join(map(str, words))
    background = f"{program} </dev/null >/dev/null 2>&1 & echo $! >{file}.pid"
    world.from_router(guest, "sh", "-c", background)

    def answered(since: float) -> list[float]:
        known = file.read_text(encoding="ascii").splitlines() if file.exists() else []
        return sorted(moment for line in known if (moment := float(line)) >= since)

    wait_until(file.exists, told=lambda: world.tell(guest))
    try:
        yield answered
    finally:
        pid = Path(f"{file}.pid").read_text(encoding="ascii").strip()
        world.from_router(guest, "sh", "-c", f"kill {pid} || true")


def test_a_guest_that_is_interrupted_says_so_and_is_measured(world: World, guest: Server) -> None:
    world.act(guest, microversion="2.17", trigger_crash_dump=None)
    world.until_says(guest, "NMI")

    path = f"/servers/{guest.id}/diagnostics"
    seen = world.admin.compute.get(path, microversion="2.48").json()
    assert (seen["driver"], seen["hypervisor"], seen["state"]) == ("libvirt", "qemu", "running")
    assert (seen["num_cpus"], seen["num_nics"], len(seen["disk_details"])) == (1, 1, 2)
    assert seen["nic_details"][0]["rx_packets"] > 0
    assert seen["disk_details"][0]["read_bytes"] > 1 << 20


def test_what_libvirt_refuses_is_told_in_words(world: World, guest: Server) -> None:
    world.act(guest, changePassword={"adminPass": "another"})

    def failed() -> dict[str, Any] | None:
        listed = world.admin.compute.get(
            f"/servers/{guest.id}/os-instance-actions", microversion="2.84"
        ).json()["instanceActions"]
        newest = listed[0]
        done = newest["action"] == "changePassword" and newest["message"] == "Error"
        return newest if done else None

    action = wait_until(failed, told=lambda: world.tell(guest))
    path = f"/servers/{guest.id}/os-instance-actions/{action['request_id']}"
    told = world.admin.compute.get(path, microversion="2.84").json()["instanceAction"]
    [event] = told["events"]
    assert "no QEMU guest agent answers in the guest" in event["details"]
    world.until(guest, "ACTIVE", seconds=20)


def test_a_guest_reads_its_metadata_and_config_drive(world: World, guest: Server) -> None:
    def ask(path: str) -> str:
        question = f"printf 'GET /{path} HTTP/1.0\\r\\n\\r\\n'"
        answer = world.ssh(guest, f"{question} | nc -w 5 169.254.169.254 80")
        return answer.replace("\r", "").partition("\n\n")[2]

    about = json.loads(ask("openstack/latest/meta_data.json"))
    assert (about["uuid"], about["name"]) == (guest.id, "shared")
    [link] = json.loads(ask("openstack/latest/network_data.json"))["links"]
    assert link["ethernet_mac_address"] in world.ssh(guest, "cat /sys/class/net/eth0/address")
    assert ask("latest/meta-data/local-ipv4") == world.address_of(guest)
    assert ask("latest/meta-data/public-keys/0/openssh-key").startswith("ssh-ed25519 ")
    assert json.loads(ask("openstack/latest/vendor_data.json")) == {"told": "to all"}
    assert "hello from user data" in ask("openstack/latest/user_data")

    drive = world.ssh(guest, "cat /mnt/openstack/latest/meta_data.json")
    assert json.loads(drive)["uuid"] == guest.id
    assert world.ssh(guest, "ls /mnt/ec2/latest") != ""
    own = world.ssh(guest, "cat /mnt/openstack/latest/vendor_data.json")
    assert json.loads(own) == {"told": "to all"}


def test_a_guest_reaches_neither_its_host_nor_what_is_behind_it(
    world: World, guest: Server
) -> None:
    host = world.host_of(guest)
    for target in (host.address, host.bridge.address, "127.0.0.1:8774", "169.254.169.253"):
        address, _, port = target.partition(":")
        knock = f"nc -w 2 {address} {port or 8774} </dev/null >/dev/null 2>&1; echo $?"
        assert world.ssh(guest, knock) != "0", target
    assert world.ssh(guest, f"ping -c 2 -W 1 {host.address} >/dev/null 2>&1; echo $?") != "0"


def test_user_data_of_any_kind_comes_whole(world: World, guest: Server) -> None:
    told = base64.b64decode(
        world.ssh(guest, "base64 /mnt/openstack/latest/user_data").replace("\n", "")
    )
    assert told == b"#!/bin/sh\necho hello from user data\n"

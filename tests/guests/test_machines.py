"""What flavor and image ask of the machine, seen in its description and from inside, in one boot.

Large pages and PCI devices need a machine that has some; what libvirt is told of them,
tests/agents/test_domains.py shows.
"""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server

from tests.guests.machines import Host, wait_until
from tests.guests.world import MARKS, World, are_up

NEEDED = {"swtpm": "swtpm", "swtpm_setup": "swtpm-tools"}
pytestmark = MARKS
SPECS = {
    "hw:cpu_policy": "dedicated",
    "hw:numa_nodes": "1",
    "hw:tpm_version": "2.0",
    "hw:tpm_model": "tpm-crb",
    "hw:tpm_secret_security": "host",
}
PROPERTIES = {"hw_machine_type": "q35", "hw_firmware_type": "uefi", "hw_cdrom_bus": "scsi"}
"""The guest's small kernel knows no AHCI, by which CDs are attached to q35 otherwise."""
PINNED = 1


@pytest.fixture
def able(world: World) -> Iterator[Host]:
    """A host that gives guests a CPU for themselves."""
    missing = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    assert not missing, f"not installed: {', '.join(missing)} (docs/guests.md)"
    host = world.hosts[1]
    host.set(dedicated_cpus=str(PINNED))
    wait_until(lambda: dedicated_cpus(world, host) == 1, told=host.agent_log)
    yield host
    host.set(dedicated_cpus="")
    wait_until(lambda: are_up(world), told=host.agent_log)


def dedicated_cpus(world: World, host: Host) -> int:
    """As the placement knows them."""
    providers = world.admin.placement.get("/resource_providers").json()["resource_providers"]
    own = next(one["uuid"] for one in providers if one["name"] == host.name)
    path = f"/resource_providers/{own}/inventories"
    return int(
        world.admin.placement.get(path).json()["inventories"].get("PCPU", {}).get("total", 0)
    )


def test_a_guest_has_the_machine_firmware_tpm_cpu_and_cells_that_were_asked_for(
    world: World, able: Host
) -> None:
    flavor = world.admin.compute.create_flavor(name="machine", vcpus=1, ram=256, disk=1)
    world.admin.compute.create_flavor_extra_specs(flavor, SPECS)
    image = world.demo.create_image(
        "uefi",
        filename=str(world.image),
        disk_format="qcow2",
        container_format="bare",
        wait=True,
        meta=PROPERTIES,
    )
    server = world.create("machine", flavor="machine", imageRef=image.id, config_drive=True)
    try:
        world.until(server, "ACTIVE")
        assert world.host_of(server) is able
        look_at(able, server)
        log = world.until_says(server, "guest: ready")
        assert "source=configdrive" in log
        assert world.ssh(server, "ls -d /sys/firmware/efi /dev/tpm0").split() == [
            "/dev/tpm0",
            "/sys/firmware/efi",
        ]
        assert world.ssh(server, "cat /sys/class/tpm/tpm0/tpm_version_major") == "2"
        assert "Q35" in world.ssh(server, "cat /sys/class/dmi/id/product_name")
        assert world.ssh(server, "cat /sys/devices/system/node/online") == "0"
    finally:
        world.delete(server)
        world.demo.image.delete_image(image.id)
        world.admin.compute.delete_flavor(flavor)
    assert server.id not in able.virsh("secret-list")


def test_a_guest_with_secure_boot_starts_nothing_without_a_signature(world: World) -> None:
    """As the small guest is."""
    image = world.demo.create_image(
        "secure",
        filename=str(world.image),
        disk_format="qcow2",
        container_format="bare",
        wait=True,
        meta={**PROPERTIES, "os_secure_boot": "required"},
    )
    server = world.create("secure", imageRef=image.id)
    try:
        world.until(server, "ACTIVE")
        told = world.host_of(server).virsh("dumpxml", server.id)
        loader = ET.fromstring(told).find("os/loader")  # noqa: S314 - libvirt's own words
        assert loader is not None
        assert loader.get("secure") == "yes"
        assert "guest: " not in world.until_says(server, "Access Denied|Security Violation")
    finally:
        world.delete(server)
        world.demo.image.delete_image(image.id)


def look_at(host: Host, server: Server) -> None:
    root = ET.fromstring(host.virsh("dumpxml", server.id))  # noqa: S314 - libvirt's own words
    kind, pin = root.find("os/type"), root.find("cputune/vcpupin")
    cell, memory = root.find("cpu/numa/cell"), root.find("numatune/memnode")
    assert kind is not None
    assert "q35" in str(kind.get("machine"))
    assert "OVMF" in str(root.findtext("os/loader"))
    assert pin is not None
    assert pin.attrib == {"vcpu": "0", "cpuset": str(PINNED)}
    assert cell is not None
    assert cell.attrib == {"id": "0", "cpus": "0", "memory": str(256 << 10), "unit": "KiB"}
    assert memory is not None
    assert memory.get("nodeset") == "0"
    assert server.id in host.virsh("secret-list")

"""What a host tells of its cells and devices, read from a folder that stands for ``/sys``."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from servers.agent.hypervisor.libvirt.demands import Abilities
from servers.agent.hypervisor.libvirt.stock import traits_of
from servers.agent.hypervisor.libvirt.topology import (
    faults_of,
    lacks_of_devices,
    shared_cpus,
    topology_of,
)
from servers.agent.settings import Settings
from servers.placement.fit.reading import described_host

SETTINGS = Settings(site="http://site", host="one", hypervisor="libvirt", state_dir="/nowhere")


def write(sys: Path, path: str, text: str) -> None:
    file = sys / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    """Two cells of two cores with two threads each, large pages on the second, three devices."""
    for node, cpus in enumerate(("0-1,4-5", "2-3,6-7")):
        below = f"devices/system/node/node{node}"
        write(tmp_path, f"{below}/cpulist", cpus)
        write(tmp_path, f"{below}/meminfo", f"Node {node} MemTotal:  4194999 kB")
        pages = 512 * node
        write(tmp_path, f"{below}/hugepages/hugepages-2048kB/nr_hugepages", str(pages))
    for cpu in range(8):
        below = f"devices/system/cpu/cpu{cpu}/topology"
        write(tmp_path, f"{below}/thread_siblings_list", f"{cpu % 4},{cpu % 4 + 4}")
        write(tmp_path, f"{below}/physical_package_id", str(cpu % 4 // 2))
    for address, product in (
        ("0000:3b:00.0", "1572"),
        ("0000:3b:02.0", "154c"),
        ("0000:af:00.0", "1db6"),
    ):
        below = f"bus/pci/devices/{address}"
        write(tmp_path, f"{below}/vendor", "0x8086")
        write(tmp_path, f"{below}/device", f"0x{product}")
        write(tmp_path, f"{below}/numa_node", "1" if product != "1db6" else "-1")
        write(tmp_path, f"{below}/iommu_group/type", "DMA")
    write(tmp_path, "bus/pci/devices/0000:3b:00.0/sriov_totalvfs", "64")
    devices = tmp_path / "bus/pci/devices"
    (devices / "0000:3b:02.0/physfn").symlink_to(devices / "0000:3b:00.0")
    return tmp_path


def test_cells_are_told_as_the_site_reads_them(sys: Path) -> None:
    settings = dataclasses.replace(SETTINGS, dedicated_cpus="2-3,6-7", reserved_memory_mb=1024)

    told = topology_of(settings, sys)

    near, far = told["cells"]
    assert near == {
        "id": 0,
        "shared_cpus": [0, 1, 4, 5],
        "dedicated_cpus": [],
        "siblings": [[0, 4], [1, 5]],
        "socket": 0,
        "memory_mb": 4096,
        "memory_reserved_mb": 1024,
        "pages": [{"size_kb": 4, "total": 1048576}, {"size_kb": 2048, "total": 0}],
    }
    assert (far["shared_cpus"], far["dedicated_cpus"]) == ([], [2, 3, 6, 7])
    assert (far["memory_reserved_mb"], far["socket"]) == (0, 1)
    assert far["pages"] == [{"size_kb": 4, "total": 786432}, {"size_kb": 2048, "total": 512}]
    assert [cell.id for cell in described_host(told).cells] == [0, 1]
    assert shared_cpus(settings, sys) == {0: {0, 1, 4, 5}, 1: set()}
    assert shared_cpus(SETTINGS, sys) == {}


def test_devices_are_those_that_the_operator_names(sys: Path) -> None:
    settings = dataclasses.replace(SETTINGS, pci_devices="8086:154c, 0000:3b:00.0,0000:af:00.0")

    told = topology_of(settings, sys)

    function = {"address": "0000:3b:02.0", "product_id": "154c", "dev_type": "type-VF"}
    assert told["devices"] == [
        {
            "address": "0000:3b:00.0",
            "vendor_id": "8086",
            "product_id": "1572",
            "dev_type": "type-PF",
            "numa_node": 1,
        },
        function | {"vendor_id": "8086", "parent": "0000:3b:00.0", "numa_node": 1},
        {
            "address": "0000:af:00.0",
            "vendor_id": "8086",
            "product_id": "1db6",
            "dev_type": "type-PCI",
        },
    ]
    assert len(described_host(told).devices) == 3
    assert topology_of(SETTINGS, sys)["devices"] == []


def test_devices_that_guests_cannot_get_are_told_and_not_offered(sys: Path) -> None:
    wanted = "8086:154c,0000:af:00.0,0000:af:00.1"
    settings = dataclasses.replace(SETTINGS, pci_devices=wanted)
    shutil.rmtree(sys / "bus/pci/devices/0000:af:00.0/iommu_group")

    away, bare = lacks_of_devices(settings, sys)

    assert "there is no device 0000:af:00.1" in away
    assert "guests cannot get 0000:af:00.0, since the machine has no IOMMU" in bare
    offered = [one["address"] for one in topology_of(settings, sys)["devices"]]
    assert offered == ["0000:3b:02.0"]
    assert faults_of(settings, sys) == []
    assert lacks_of_devices(dataclasses.replace(SETTINGS, pci_devices="8086:154c"), sys) == []


@pytest.mark.parametrize(
    ("below", "file", "text"),
    [
        ("net/eno1/carrier", "net/route", "Iface Destination\neno1 0000000A"),
        ("virtio1/net/eno1/carrier", "net/ipv6_route", "fd00 40 00 00000001 eno1"),
        ("net/eno1/upper_br0/x", "", ""),
        ("ata1/host0/block/sda/holders/dm-0", "", ""),
        (
            "nvme/nvme0/nvme0n1/nvme0n1p2/holders",
            "self/mountinfo",
            "30 1 0:33 / / rw - btrfs /dev/nvme0n1p2 rw",
        ),
        ("ata1/host0/block/sda/holders", "self/mountinfo", "30 1 8:0 / / rw - ext4 /dev/root rw"),
        ("ata1/host0/block/sda/holders", "swaps", "Filename Type\n/dev/sda partition"),
    ],
)
def test_what_the_host_itself_uses_is_not_offered(
    sys: Path, below: str, file: str, text: str
) -> None:
    settings = dataclasses.replace(SETTINGS, pci_devices="8086:1db6")
    device, proc = sys / "bus/pci/devices/0000:af:00.0", sys / "proc"
    write(proc, "net/route", "Iface Destination\nlo 0000007F\nother 0000000A")
    write(proc, "net/ipv6_route", "fe80 40 00 00000001 eno1\nff00 40 00 00000001 eno1")
    write(proc, "self/mountinfo", "29 1 0:21 / /proc rw,relatime - proc proc rw")
    part = next(word for word in ("nvme0n1p2", "sda", "eno1") if word in below)
    write(device / below.partition(part)[0], f"{part}/dev", "8:0")
    (device / below.partition(part)[0] / part / "holders").mkdir()
    assert lacks_of_devices(settings, sys, proc) == []
    assert len(topology_of(settings, sys, proc)["devices"]) == 1

    (device / below).mkdir(parents=True, exist_ok=True)
    if file:
        write(proc, file, text)

    [lack] = lacks_of_devices(settings, sys, proc)
    assert f"guests cannot get 0000:af:00.0, since the host itself uses its {part}" in lack
    assert topology_of(settings, sys, proc)["devices"] == []


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("dedicated_cpus", "2-", "'2-' is no CPU"),
        ("dedicated_cpus", "3,8", "there is no CPU 8"),
        ("dedicated_cpus", "0-7", "leaves no CPU to the host"),
        ("pci_devices", "8086", "'8086' is neither an address"),
    ],
)
def test_settings_that_make_no_sense_are_told(
    sys: Path, setting: str, value: str, words: str
) -> None:
    [fault] = faults_of(dataclasses.replace(SETTINGS, **{setting: value}), sys)
    assert words in fault


def test_what_is_not_installed_is_no_trait() -> None:
    able = set(traits_of(Abilities(tpm=True, uefi=True, secure_boot=True)))
    assert able - set(traits_of(Abilities())) == {
        "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
        "COMPUTE_SECURITY_TPM_TIS",
        "COMPUTE_SECURITY_TPM_CRB",
        "COMPUTE_SECURITY_TPM_1_2",
        "COMPUTE_SECURITY_TPM_2_0",
        "COMPUTE_SECURITY_TPM_SECRET_SECURITY_HOST",
    }
    assert {"COMPUTE_RESCUE_BFV", "COMPUTE_NET_VIF_MODEL_VIRTIO"} <= able

"""What libvirt is told of guests. Nothing here needs libvirt."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.libvirt.demands import Abilities, Demands, check_demands
from servers.agent.hypervisor.libvirt.domain import (
    VNC_SOCKET,
    Drive,
    Host,
    Link,
    domain_xml,
    free_target,
    topology_of,
)
from servers.agent.hypervisor.libvirt.drives import blank_sizes, check_rescue_disk, drives_of
from servers.agent.hypervisor.libvirt.folders import (
    CONSOLE_BYTES,
    CONSOLE_KEPT,
    TAIL_BYTES,
    Folder,
)
from servers.agent.hypervisor.libvirt.library import user_in
from servers.agent.hypervisor.libvirt.migrate import xml_there
from servers.agent.hypervisor.libvirt.stock import abilities_of_machine, cpu_info_of
from servers.agent.hypervisor.protocol import Unsupported
from servers.agent.machine import has_virtualization
from servers.agent.settings import Settings

SERVER = "5b1d7c2e-64d7-4d0a-bb52-7a30f6e1d001"
VOLUME = "0c2ad7bc-5fd0-4d3f-8c0a-3d5a3ec7a001"
EMULATED = Host(accelerated=False)
SETTINGS = Settings(site="http://site", host="one", hypervisor="libvirt", state_dir="/nowhere")


def a_guest(
    *,
    specs: dict[str, str] | None = None,
    properties: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    return {
        "server_id": SERVER,
        "instance_name": "instance-0000002a",
        "hostname": "one",
        "vcpus": 2,
        "memory_mb": 256,
        "root_gb": 1,
        "ephemeral_gb": 0,
        "flavor": {"name": "m1.tiny", "extra_specs": specs or {}},
        "properties": properties or {},
        "disks": [],
        "nics": [],
        **more,
    }


def xml_of(guest: dict[str, Any], host: Host = EMULATED, **more: Any) -> ET.Element:
    drive = Drive(path=Path("/g/root.qcow2"), format="qcow2", target="vda", bus="virtio", boot=1)
    told = {"drives": [drive], "links": [], **more}
    return read(domain_xml(guest, host=host, folder=Path("/g"), **told))


def read(xml: str) -> ET.Element:
    return ET.fromstring(xml)  # noqa: S314 - our own words


def test_a_guest_is_a_machine_of_its_size_with_disk_and_consoles() -> None:
    root = xml_of(a_guest())

    assert root.get("type") == "qemu"
    assert root.findtext("uuid") == SERVER
    assert root.findtext("memory") == "256"
    assert root.findtext("vcpu") == "2"
    disk = root.find("devices/disk")
    assert disk is not None
    assert [child.attrib for child in disk if child.tag in ("source", "target", "boot")] == [
        {"file": "/g/root.qcow2"},
        {"dev": "vda", "bus": "virtio"},
        {"order": "1"},
    ]
    serial = root.find("devices/serial")
    assert serial is not None
    assert [child.attrib for child in serial] == [
        {"mode": "bind", "path": "/g/serial.sock"},
        {"file": "/g/console.log", "append": "on"},
        {"port": "0"},
    ]
    listen = root.find("devices/graphics/listen")
    assert listen is not None
    assert listen.attrib == {"type": "socket", "socket": "/g/qemu/vnc.sock"}


def test_kvm_gives_a_guest_the_processor_of_its_host() -> None:
    root = xml_of(a_guest(), Host(accelerated=True))

    cpu = root.find("cpu")
    assert root.get("type") == "kvm"
    assert cpu is not None
    assert cpu.get("mode") == "host-model"


def test_the_image_chooses_the_machine_before_the_host_does() -> None:
    guest = a_guest(properties={"hw_machine_type": "q35", "hw_video_model": "none"})

    root = xml_of(guest, Host(accelerated=False, machine="pc-i440fx-7.2"))

    kind = root.find("os/type")
    assert kind is not None
    assert kind.get("machine") == "q35"
    controllers = [(one.get("index"), one.get("model")) for one in root.iter("controller")]
    assert controllers[0] == ("0", "pcie-root")
    assert controllers.count((None, "pcie-root-port")) > 8
    assert root.find("devices/graphics") is None


def test_what_the_flavor_limits_is_told_of_disks_and_nics() -> None:
    specs = {"quota:disk_total_iops_sec": "100", "quota:cpu_shares": "512"}
    link = Link(mac="fa:16:3e:00:00:01", bridge="br-a", tap="tap-a", mtu=1450, queues=2)
    root = xml_of(a_guest(specs=specs), links=[link])

    interface = root.find("devices/interface")
    assert interface is not None
    assert [child.attrib for child in interface] == [
        {"address": "fa:16:3e:00:00:01"},
        {"bridge": "br-a"},
        {"dev": "tap-a"},
        {"type": "virtio"},
        {"name": "qemu", "queues": "2"},
        {"size": "1450"},
    ]
    assert root.findtext("cputune/shares") == "512"


def test_a_guest_lies_on_the_cpus_and_pages_that_the_site_has_chosen() -> None:
    placement = {
        "cells": [
            {"id": 0, "host_cell": 1, "pinning": {"0": 4, "1": 5}, "page_size": 2048},
        ],
        "devices": [{"name": "gpu", "addresses": ["0000:3b:00.1"]}],
    }
    topology = {"cells": [{"id": 0, "dedicated_cpus": [0, 1], "cpus": [], "memory_mb": 256}]}
    root = xml_of(a_guest(placement=placement, numa_topology=topology))

    assert [pin.attrib for pin in root.iterfind("cputune/vcpupin")] == [
        {"vcpu": "0", "cpuset": "4"},
        {"vcpu": "1", "cpuset": "5"},
    ]
    page, cell = root.find("memoryBacking/hugepages/page"), root.find("cpu/numa/cell")
    where, address = root.find("numatune/memory"), root.find("devices/hostdev/source/address")
    assert page is not None
    assert page.attrib == {"size": "2048", "unit": "KiB", "nodeset": "0"}
    assert cell is not None
    assert cell.attrib == {"id": "0", "cpus": "0,1", "memory": "256", "unit": "MiB"}
    assert where is not None
    assert where.get("nodeset") == "1"
    assert address is not None
    assert address.attrib == {
        "domain": "0x0000",
        "bus": "0x3b",
        "slot": "0x00",
        "function": "0x1",
    }


def test_cpus_that_guests_share_are_not_those_that_guests_have_for_themselves() -> None:
    host = Host(accelerated=False, shared_cpus={0: frozenset((0, 1)), 1: frozenset((4,))})
    assert xml_of(a_guest(), host).find("vcpu").attrib == {"cpuset": "0,1,4"}  # type: ignore[union-attr]
    cell = {"id": 0, "host_cell": 1, "cpus": [0], "pinning": {"1": 5}}
    root = xml_of(a_guest(placement={"cells": [cell]}), host)
    assert [pin.attrib for pin in root.iterfind("cputune/vcpupin")] == [
        {"vcpu": "0", "cpuset": "4"},
        {"vcpu": "1", "cpuset": "5"},
    ]


@pytest.mark.parametrize(
    ("page_size", "more", "told"),
    [
        (2048, {}, "0,3,5"),
        (4, {}, None),
        (2048, {"emulator_cpus": [1]}, "1"),
    ],
)
def test_qemu_fills_pages_of_a_cell_by_the_cpus_of_the_guest_where_none_are_shared(
    page_size: int, more: dict[str, Any], told: str | None
) -> None:
    host = Host(accelerated=True, shared_cpus={0: frozenset((0,)), 1: frozenset()})
    cells = [
        {"id": 0, "host_cell": 0, "pinning": {"0": 1}, "page_size": page_size, **more},
        {"id": 1, "host_cell": 1, "pinning": {"1": 3, "2": 5}, "page_size": page_size},
    ]
    root = xml_of(a_guest(vcpus=3, placement={"cells": cells}), host)
    pin = root.find("cputune/emulatorpin")
    assert (None if pin is None else pin.get("cpuset")) == told


def test_uefi_and_tpm_are_asked_of_libvirt() -> None:
    root = xml_of(a_guest(properties={"hw_firmware_type": "uefi", "hw_tpm_version": "2.0"}))

    os, backend = root.find("os"), root.find("devices/tpm/backend")
    assert os is not None
    assert os.get("firmware") == "efi"
    assert backend is not None
    assert backend.get("version") == "2.0"
    assert [child.attrib for child in backend] == [{"secret": SERVER}]
    assert os.findtext("nvram") == "/g/nvram.fd"


def test_secure_boot_takes_firmware_that_has_keys() -> None:
    secure = {"hw_firmware_type": "uefi", "hw_machine_type": "q35", "os_secure_boot": "required"}
    features = xml_of(a_guest(properties=secure)).findall("os/firmware/feature")
    assert {one.get("name"): one.get("enabled") for one in features} == {
        "enrolled-keys": "yes",
        "secure-boot": "yes",
    }


def test_what_the_firmware_of_a_machine_can_do_is_told_by_its_descriptions(tmp_path: Path) -> None:
    """As packages bring them; their names say nothing."""

    def able_with(*features: str, architecture: str = platform.machine()) -> tuple[bool, bool]:
        targets = [{"architecture": architecture, "machines": ["pc-q35-*"]}]
        told = {"interface-types": ["uefi"], "targets": targets, "features": features}
        (tmp_path / "40-some.json").write_text(json.dumps(told))
        able = abilities_of_machine(SETTINGS, tmp_path)
        return able.uefi, able.secure_boot

    nothing = abilities_of_machine(SETTINGS, tmp_path / "nothing")
    assert (nothing.uefi, nothing.secure_boot) == (False, False)
    assert able_with("acpi-s3") == (True, False)
    assert able_with("secure-boot", "requires-smm") == (True, False)
    assert able_with("secure-boot", "enrolled-keys", "requires-smm") == (True, True)
    assert able_with("secure-boot", "enrolled-keys", architecture="other") == (False, False)


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"hw_machine_type": "q35"}, "secure boot without UEFI"),
        ({"hw_firmware_type": "uefi"}, "secure boot with the machine type pc"),
        ({"hw_firmware_type": "uefi", "hw_machine_type": "q35"}, ""),
    ],
)
def test_secure_boot_is_refused_where_nothing_would_come_of_it(
    properties: dict[str, str], named: str
) -> None:
    able = Abilities(uefi=True, secure_boot=True)
    guest = a_guest(specs={"os:secure_boot": "required"}, properties=properties)
    if not named:
        check_demands(guest, able)
        return
    with pytest.raises(GuestFailed, match=named):
        check_demands(guest, able)


@pytest.mark.parametrize(
    ("specs", "properties", "named"),
    [
        ({"hw:pmem": "4GB"}, {}, "hw:pmem=4GB of the flavor"),
        ({"hw:mem_encryption": "true"}, {}, "hw:mem_encryption"),
        ({}, {"hw_viommu_model": "intel"}, "hw_viommu_model=intel of the image"),
        ({}, {"hw_disk_bus": "xen"}, "xen as hw_disk_bus"),
        ({}, {"hw_vif_model": "vmxnet3"}, "vmxnet3 as hw_vif_model"),
        ({}, {"hw_firmware_type": "uefi"}, "UEFI"),
        ({"hw:tpm_version": "2.0"}, {}, "a TPM"),
        ({"hw:tpm_secret_security": "user"}, {}, "user as hw_tpm_secret_security"),
        ({"os:secure_boot": "required"}, {}, "secure boot"),
        ({}, {"kernel_id": VOLUME}, "a kernel of their own"),
        ({"hw:serial_port_count": "2"}, {}, "more than one serial port"),
        ({"hw_video:ram_max_mb": "16"}, {"hw_video_ram": 32}, "32 MiB of video memory"),
    ],
)
def test_what_this_host_does_not_do_is_named(
    specs: dict[str, str], properties: dict[str, Any], named: str
) -> None:
    with pytest.raises(GuestFailed) as raised:
        check_demands(a_guest(specs=specs, properties=properties), Abilities())

    assert named in str(raised.value)
    assert raised.value.code == "unsupported"


@pytest.mark.parametrize(
    ("specs", "properties"),
    [
        ({"hw:cpu_policy": "dedicated", "resources:PCPU": "2", "color": "red"}, {}),
        ({"trait:HW_CPU_X86_AVX2": "required", "hw:mem_encryption": "false"}, {}),
        ({}, {"os_distro": "debian", "hw_disk_bus": "scsi", "owner_specified.x": "y"}),
        ({"quota:disk_read_iops_sec": "5"}, {"hw_qemu_guest_agent": "yes"}),
    ],
)
def test_what_is_carried_out_or_asks_nothing_of_a_host_passes(
    specs: dict[str, str], properties: dict[str, Any]
) -> None:
    check_demands(a_guest(specs=specs, properties=properties), Abilities())


@given(
    vcpus=st.integers(1, 48),
    sockets=st.integers(0, 4),
    cores=st.integers(0, 4),
    threads=st.integers(0, 2),
)
def test_a_topology_has_as_many_cpus_as_the_flavor(
    vcpus: int, sockets: int, cores: int, threads: int
) -> None:
    wanted = {"sockets": sockets, "cores": cores, "threads": threads}
    specs = {f"hw:cpu_{name}": str(number) for name, number in wanted.items() if number}

    found = topology_of(vcpus, Demands(specs, {}))

    assert found[0] * found[1] * found[2] == vcpus
    if sockets * cores * threads == vcpus:
        assert found == (sockets, cores, threads)


def test_without_a_wish_each_cpu_is_a_socket() -> None:
    assert topology_of(4, Demands({}, {})) == (4, 1, 1)
    assert topology_of(4, Demands({"hw:cpu_max_sockets": "2"}, {})) == (2, 2, 1)


def test_disks_are_named_by_their_bus_and_after_the_last_letter_by_two() -> None:
    assert free_target("virtio", ["vda", "vdc"]) == "vdb"
    assert free_target("scsi", []) == "sda"
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert free_target("virtio", [f"vd{letter}" for letter in letters]) == "vdaa"


def test_a_guest_has_its_root_disk_ephemeral_disks_swap_and_volumes(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    volume = tmp_path / "volume"
    for name in ("root.qcow2", "ephemeral0.qcow2", "swap.qcow2", "config.iso", "volume"):
        (tmp_path / name).touch()
    blank = {"source_type": "blank", "destination_type": "local", "volume_id": None}
    connection = {"kind": "file", "path": str(volume), "format": "raw", "serial": VOLUME}
    guest = a_guest(
        disks=[
            {"boot_index": 0, "source_type": "image", "device_name": "/dev/vda"},
            {**blank, "size": 2, "device_name": "/dev/vdb"},
            {**blank, "size": 64, "guest_format": "swap", "device_name": "/dev/vdc"},
            {"volume_id": VOLUME, "device_name": "/dev/vdd", "connection": connection},
        ]
    )

    drives = drives_of(folder, guest)

    assert [(drive.target, drive.path.name) for drive in drives] == [
        ("vda", "root.qcow2"),
        ("vdb", "ephemeral0.qcow2"),
        ("vdc", "swap.qcow2"),
        ("vdd", "volume"),
        ("hda", "config.iso"),
    ]
    assert [drive.serial for drive in drives] == ["", "", "", VOLUME, ""]
    assert blank_sizes(guest) == {"ephemeral0.qcow2": 2 << 30, "swap.qcow2": 64 << 20}


def test_a_guest_in_rescue_boots_from_another_disk_and_has_its_own_as_the_second(
    tmp_path: Path,
) -> None:
    for name in ("root.qcow2", "rescue.qcow2", "config.iso", "rescue.iso"):
        (tmp_path / name).touch()
    disk = {"boot_index": 0, "source_type": "image", "device_name": "/dev/vda"}

    drives = drives_of(Folder(tmp_path), a_guest(disks=[disk], rescued=True))

    assert [(drive.target, drive.path.name, drive.boot) for drive in drives] == [
        ("vda", "rescue.qcow2", 1),
        ("vdb", "root.qcow2", None),
        ("hda", "rescue.iso", None),
    ]


def test_a_rescue_disk_that_names_its_bus_comes_beside_the_disks(tmp_path: Path) -> None:
    for name in ("rescue.qcow2", "rescue.iso", "volume"):
        (tmp_path / name).touch()
    connection = {"kind": "file", "path": str(tmp_path / "volume")}
    disk = {"boot_index": 0, "volume_id": VOLUME, "connection": connection}
    beside = {"bus": "sata", "device": "cdrom"}

    drives = drives_of(
        Folder(tmp_path), a_guest(disks=[disk], rescued=True, rescue_disk=beside), "q35"
    )

    assert [(one.target, one.path.name, one.device, one.boot) for one in drives] == [
        ("vda", "volume", "disk", None),
        ("sda", "rescue.qcow2", "cdrom", 1),
        ("sdb", "rescue.iso", "cdrom", None),
    ]
    with pytest.raises(GuestFailed, match="floppy at the bus ide"):
        check_rescue_disk({"bus": "ide", "device": "floppy"})


def test_a_guest_boots_from_its_first_volume(tmp_path: Path) -> None:
    (tmp_path / "volume").touch()
    connection = {"kind": "file", "path": str(tmp_path / "volume"), "format": "qcow2"}
    disk = {"boot_index": 0, "volume_id": VOLUME, "connection": connection}

    (drive,) = drives_of(Folder(tmp_path), a_guest(disks=[disk]))

    assert dataclasses.asdict(drive) | {"path": None} == {
        **dataclasses.asdict(drive),
        "path": None,
        "format": "qcow2",
        "boot": 1,
        "serial": VOLUME,
    }


def test_a_volume_is_limited_as_its_type_wants(tmp_path: Path) -> None:
    (tmp_path / "volume").touch()

    def drive_with(**limits: str) -> Drive:
        connection = {"kind": "file", "path": str(tmp_path / "volume"), "limits": limits}
        disk = {"boot_index": 0, "volume_id": VOLUME, "connection": connection}
        [drive] = drives_of(Folder(tmp_path), a_guest(disks=[disk]))
        return drive

    drive = drive_with(read_iops_sec="9", total_bytes_sec_max="5", size_iops_sec="0")
    tune = xml_of(a_guest(), drives=[drive]).find("devices/disk/iotune")
    assert tune is not None
    assert {child.tag: child.text for child in tune} == {
        "read_iops_sec": "9",
        "total_bytes_sec_max": "5",
    }
    for wrong in ({"iops_bytes": "9"}, {"read_iops_sec": "many"}):
        with pytest.raises(Unsupported, match="does not limit a volume"):
            drive_with(**wrong)


def test_a_volume_that_the_host_does_not_see_is_named(tmp_path: Path) -> None:
    connection = {"kind": "file", "path": str(tmp_path / "gone"), "format": "raw"}
    disk = {"boot_index": 0, "volume_id": VOLUME, "connection": connection}

    with pytest.raises(GuestFailed) as raised:
        drives_of(Folder(tmp_path), a_guest(disks=[disk]))

    assert str(raised.value) == f"this host does not see the volume {VOLUME}"


def test_a_domain_that_moves_has_the_folders_and_bridges_of_its_new_host() -> None:
    link = Link(mac="fa:16:3e:00:00:01", bridge="br-a", tap="tap-a", mtu=1450)
    drive = Drive(path=Path("/g/root.qcow2"), format="qcow2", target="vda", bus="virtio")
    xml = domain_xml(a_guest(), host=EMULATED, folder=Path("/g"), drives=[drive], links=[link])
    xml = xml.replace('<target dev="vda"', '<backingStore type="file"/><target dev="vda"')
    to = {"folder": "/other", "links": {link.mac: {"bridge": "br-b", "tap": "tap-b"}}}

    moved = xml_there(xml, Path("/g"), to, copy_disks=True)

    assert "/g/" not in moved
    assert "backingStore" not in moved
    interface = read(moved).find("devices/interface")
    assert interface is not None
    assert {"bridge": "br-b"} in [child.attrib for child in interface]
    assert {"dev": "tap-b"} in [child.attrib for child in interface]


def test_only_a_processor_with_its_commands_counts_as_able_of_kvm() -> None:
    assert has_virtualization("processor : 0\nflags\t\t: fpu vmx sse\n")
    assert has_virtualization("flags : fpu svm\n")
    assert not has_virtualization("flags : fpu sse\nbugs : svm\n")


def test_numa_cells_and_processor_are_told() -> None:
    told = """<capabilities><host>
      <cpu><model>EPYC</model><vendor>AMD</vendor><feature name='avx2'/>
        <topology sockets='2' dies='1' cores='4' threads='2'/></cpu>
      <topology><cells num='1'><cell id='0'><memory unit='KiB'>4194304</memory>
        <pages unit='KiB' size='4'>1000</pages><cpus num='2'><cpu id='0'/><cpu id='1'/></cpus>
      </cell></cells></topology></host></capabilities>"""

    info = cpu_info_of(read(told))

    assert info["topology"] == {"sockets": 2, "cores": 4, "threads": 2, "cells": 1}
    assert (info["model"], info["vendor"], info["features"]) == ("EPYC", "AMD", ["avx2"])
    assert info["numa_cells"] == [
        {"id": 0, "cpus": [0, 1], "memory_mb": 4096, "pages": {"4": 1000}}
    ]


def test_a_console_log_that_has_just_begun_anew_is_read_with_the_one_before(
    tmp_path: Path,
) -> None:
    (tmp_path / "console.log.0").write_text("x" * TAIL_BYTES + "login: ")
    (tmp_path / "console.log").write_text("root")
    read = Folder(tmp_path).read_console()
    assert read.endswith("xlogin: root")
    assert len(read) == TAIL_BYTES


def test_a_console_log_keeps_its_end_when_it_has_grown_too_long(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"x" * CONSOLE_BYTES + b"the end")

    Folder(tmp_path).trim_console()

    assert log.stat().st_size == CONSOLE_KEPT
    assert Folder(tmp_path).read_console().endswith("the end")


@pytest.mark.parametrize(
    ("models", "user"),
    [
        ({"none": None, "dac": "+64055:+994"}, (64055, 994)),
        ({"apparmor": "label", "dac": "+0:+0"}, (0, 0)),
        ({"none": None}, (0, 0)),
    ],
)
def test_the_user_of_qemu_is_read_off_what_libvirt_can_do(
    models: dict[str, str | None], user: tuple[int, int]
) -> None:
    told = ET.Element("capabilities")
    host = ET.SubElement(told, "host")
    for name, label in models.items():
        model = ET.SubElement(host, "secmodel")
        ET.SubElement(model, "model").text = name
        if label is not None:
            ET.SubElement(model, "baselabel", type="kvm").text = label
    assert user_in(told) == user


def test_qemu_makes_files_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "guest")
    folder.make()
    folder.give_way_to(os.geteuid(), os.getegid())
    folder.give_way_to(os.geteuid(), os.getegid())  # when it starts again
    own = folder.file(VNC_SOCKET).parent
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert own.stat().st_uid == os.geteuid()

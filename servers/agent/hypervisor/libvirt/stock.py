"""What this machine has for guests: CPUs, memory, disk, NUMA cells, and what it can do."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.files import read_json
from servers.agent.hypervisor.libvirt.demands import (
    DISK_BUSES,
    NIC_MODELS,
    VIDEO_MODELS,
    Abilities,
)
from servers.agent.hypervisor.libvirt.domain import Host
from servers.agent.hypervisor.libvirt.library import said
from servers.agent.hypervisor.libvirt.topology import (
    faults_of,
    lacks_of_devices,
    shared_cpus,
    topology_of,
)
from servers.agent.machine import CPUINFO, has_virtualization
from servers.agent.settings import Settings

KVM = Path("/dev/kvm")
KVM_CREATE_VM = 0xAE01
FIRMWARE = Path("/usr/share/qemu/firmware")
"""Where packages describe the firmware that they bring; libvirt chooses by the same files."""
SECURE = frozenset(("secure-boot", "enrolled-keys"))
GIB = 1 << 30
KIB_OF_MIB = 1024


def is_accelerated(settings: Settings) -> bool:
    """Do guests run by KVM? ``auto``: where the processor has the commands for it and KVM makes
    machines. A kernel may offer KVM without them, and starts machines that then hang.
    """
    if settings.accel == "auto":
        return has_virtualization(CPUINFO.read_text(encoding="utf-8")) and _makes_machines()
    return settings.accel == "kvm"


def host_of(settings: Settings) -> Host:
    return Host(
        accelerated=is_accelerated(settings),
        machine=settings.machine,
        cpu_model=settings.cpu_model,
        shared_cpus=_shared_cpus(settings),
    )


def _shared_cpus(settings: Settings) -> Mapping[int, frozenset[int]]:
    """Settings that say nothing right are told of by ``lacks_of``."""
    return {} if faults_of(settings) else shared_cpus(settings)


def abilities_of_machine(settings: Settings, firmware: Path = FIRMWARE) -> Abilities:
    features = list(_uefi_in(firmware))
    return Abilities(
        uefi=bool(features),
        secure_boot=any(one >= SECURE for one in features),
        tpm=shutil.which("swtpm") is not None and shutil.which("swtpm_setup") is not None,
        machine=settings.machine,
    )


def _uefi_in(folder: Path) -> Iterator[frozenset[str]]:
    """The features of each firmware for guests of this kind."""
    for path in sorted(folder.glob("*.json")):
        told = read_json(path) or {}
        targets = [one.get("architecture") for one in told.get("targets", ())]
        if "uefi" in told.get("interface-types", ()) and platform.machine() in targets:
            yield frozenset(told.get("features", ()))


def stock_of(connection: Any, folder: Path, settings: Settings, host: Host) -> dict[str, Any]:
    """As the API of hosts wants to hear it. Memory that the host keeps for itself is not told."""
    faults = faults_of(settings)
    if faults:
        raise GuestFailed("; ".join(faults), "settings")
    with said("the host could not be looked at"):
        _, memory_mb, vcpus, *_ = connection.getInfo()
        version = int(connection.getVersion())
        capabilities = ET.fromstring(connection.getCapabilities())  # noqa: S314 - libvirt's own
    kinds = ["qemu", "kvm"] if host.accelerated else ["qemu"]
    topology = topology_of(settings)
    dedicated = sum(len(cell["dedicated_cpus"]) for cell in topology["cells"])
    return {
        "vcpus": vcpus - dedicated,
        "memory_mb": max(memory_mb - settings.reserved_memory_mb, 1),
        "local_gb": shutil.disk_usage(folder).total // GIB,
        "hypervisor_type": "QEMU",
        "hypervisor_version": version,
        "supported_instances": [[platform.machine(), kind, "hvm"] for kind in kinds],
        "cpu_info": cpu_info_of(capabilities),
        "topology": topology,
        "traits": sorted(traits_of(abilities_of_machine(settings))),
    }


def traits_of(able: Abilities) -> Iterator[str]:
    """What guests here may have, in words of the placement."""
    yield from ("COMPUTE_RESCUE_BFV", "COMPUTE_SOCKET_PCI_NUMA_AFFINITY")
    for family, words in (
        ("NET_VIF_MODEL", NIC_MODELS),
        ("STORAGE_BUS", DISK_BUSES),
        ("GRAPHICS_MODEL", VIDEO_MODELS),
    ):
        yield from (f"COMPUTE_{family}_{word.upper()}" for word in words)
    if able.secure_boot:
        yield "COMPUTE_SECURITY_UEFI_SECURE_BOOT"
    if able.tpm:
        names = ("TPM_TIS", "TPM_CRB", "TPM_1_2", "TPM_2_0", "TPM_SECRET_SECURITY_HOST")
        yield from (f"COMPUTE_SECURITY_{name}" for name in names)


def cpu_info_of(capabilities: ET.Element) -> dict[str, Any]:
    """By Nova's keys, and the NUMA cells beside them: CPUs, memory (MiB), pages (KiB: number)."""
    cpu = capabilities.find("host/cpu")
    info: dict[str, Any] = {"arch": platform.machine()}
    cells = [_cell(cell) for cell in capabilities.iterfind("host/topology/cells/cell")]
    if cpu is not None:
        info |= {
            "model": cpu.findtext("model") or "",
            "vendor": cpu.findtext("vendor") or "",
            "features": sorted(str(one.get("name")) for one in cpu.iterfind("feature")),
        }
        shape = cpu.find("topology")
        if shape is not None:
            names = ("sockets", "cores", "threads")
            info["topology"] = {name: int(shape.get(name) or 1) for name in names}
            info["topology"]["cells"] = len(cells) or 1
    info["numa_cells"] = cells
    return info


def lacks_of(settings: Settings) -> list[str]:
    """What must be there before libvirt is asked at all."""
    lacks = [*faults_of(settings), *lacks_of_devices(settings)]
    if shutil.which("qemu-system-x86_64") is None:
        lacks.append("QEMU is not there; on Debian: apt-get install qemu-system-x86")
    if settings.accel not in ("auto", "kvm", "tcg"):
        lacks.append(f'"accel" of agent.json is auto, kvm or tcg, not {settings.accel}')
    if settings.accel == "kvm" and not _makes_machines():
        lacks.append('/dev/kvm makes no machines, and "accel" of agent.json is kvm')
    return lacks


def _cell(cell: ET.Element) -> dict[str, Any]:
    memory = cell.find("memory")
    return {
        "id": int(cell.get("id") or 0),
        "cpus": [int(cpu.get("id") or 0) for cpu in cell.iterfind("cpus/cpu")],
        "memory_mb": int(memory.text or 0) // KIB_OF_MIB if memory is not None else 0,
        "pages": {str(page.get("size")): int(page.text or 0) for page in cell.iterfind("pages")},
    }


def _makes_machines() -> bool:
    try:
        handle = os.open(KVM, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(fcntl.ioctl(handle, KVM_CREATE_VM, 0))
    except OSError:
        return False
    finally:
        os.close(handle)
    return True

"""What a guest uses, by the keys of the Compute API's diagnostics."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from servers.agent.hypervisor.libvirt.library import said
from servers.agent.hypervisor.libvirt.machines import power_of
from servers.agent.hypervisor.protocol import Power

WORDS = {
    Power.RUNNING: "running",
    Power.PAUSED: "paused",
    Power.SHUT_DOWN: "shutdown",
    Power.CRASHED: "crashed",
    Power.SUSPENDED: "suspended",
}
NIC_COUNTERS = tuple(
    f"{way}_{what}" for way in ("rx", "tx") for what in ("octets", "packets", "errors", "drop")
)
DISK_COUNTERS = ("read_requests", "read_bytes", "write_requests", "write_bytes", "errors_count")
KIB_OF_MIB = 1024


def diagnostics_of(domain: Any, *, accelerated: bool) -> dict[str, Any]:
    with said("the guest could not be looked at"):
        root = ET.fromstring(domain.XMLDesc(0))  # noqa: S314 - libvirt's own words
        active = bool(domain.isActive())
        return {
            "state": WORDS.get(power_of(domain), "pending"),
            "driver": "libvirt",
            "hypervisor": "kvm" if accelerated else "qemu",
            "hypervisor_os": "linux",
            "cpu_details": _cpus(domain) if active else [],
            "nic_details": _nics(domain, root) if active else [],
            "disk_details": _disks(domain, root) if active else [],
            "memory_details": _memory(domain),
        }


def _cpus(domain: Any) -> list[dict[str, Any]]:
    told, _ = domain.vcpus()
    return [{"id": number, "time": spent} for number, _, spent, _ in told]


def _nics(domain: Any, root: ET.Element) -> list[dict[str, Any]]:
    found = []
    for interface in root.iterfind("devices/interface"):
        mac, target = interface.find("mac"), interface.find("target")
        if mac is None or target is None:
            continue
        numbers = domain.interfaceStats(target.get("dev"))
        counted = dict(zip(NIC_COUNTERS, numbers, strict=False))
        found.append({"mac_address": mac.get("address"), **counted})
    return found


def _disks(domain: Any, root: ET.Element) -> list[dict[str, Any]]:
    found = []
    for target in root.iterfind("devices/disk/target"):
        numbers = domain.blockStats(target.get("dev"))
        counted = zip(DISK_COUNTERS, numbers, strict=False)
        found.append({name: number for name, number in counted if number >= 0})
    return found


def _memory(domain: Any) -> dict[str, int]:
    _, most, used, *_ = domain.info()
    return {"maximum": most // KIB_OF_MIB, "used": used // KIB_OF_MIB}

"""How a server is doing, in answers: free keys of the driver at first, fixed ones from 2.48 on."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.version import Microversion
from servers.read.diagnostics import Diagnostics

FIXED_KEYS = Microversion.parse("2.48")
NIC_COUNTERS = tuple(
    f"{way}_{what}"
    for way in ("rx", "tx")
    for what in ("octets", "errors", "drop", "packets", "rate")
)


def show_diagnostics(seen: Diagnostics, version: Microversion) -> dict[str, Any]:
    """What is not measured is null."""
    if version < FIXED_KEYS:
        return {"memory": seen.memory_mb * 1024}
    return {
        "state": seen.state,
        "driver": seen.driver,
        "hypervisor": None,
        "hypervisor_os": None,
        "uptime": seen.uptime,
        "config_drive": seen.config_drive,
        "num_cpus": seen.cpus,
        "num_nics": len(seen.macs),
        "num_disks": seen.disks,
        "disk_details": [],
        "cpu_details": [
            {"id": number, "time": None, "utilisation": None} for number in range(seen.cpus)
        ],
        "nic_details": [{"mac_address": mac, **dict.fromkeys(NIC_COUNTERS)} for mac in seen.macs],
        "memory_details": {"maximum": seen.memory_mb, "used": None},
    }

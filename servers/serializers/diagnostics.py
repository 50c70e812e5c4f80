"""How a server is doing, in answers: free keys of the driver at first, fixed ones from 2.48 on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.api.microversions.version import Microversion
from servers.read.diagnostics import Diagnostics

FIXED_KEYS = Microversion.parse("2.48")
NIC_COUNTERS = tuple(
    f"{way}_{what}"
    for way in ("rx", "tx")
    for what in ("octets", "errors", "drop", "packets", "rate")
)


PLAIN = ("state", "driver", "hypervisor", "hypervisor_os", "uptime")
DISK_COUNTERS = ("read_bytes", "read_requests", "write_bytes", "write_requests", "errors_count")
LISTED = {
    "cpu_details": ("id", "time", "utilisation"),
    "nic_details": ("mac_address", *NIC_COUNTERS),
    "disk_details": DISK_COUNTERS,
}
"""What a host may measure, beside its memory."""


def show_diagnostics(seen: Diagnostics, version: Microversion) -> dict[str, Any]:
    """What is not measured is null."""
    if version < FIXED_KEYS:
        return {"memory": seen.memory_mb * 1024}
    shown = {
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
    return shown | _measured(seen.measured)


def _measured(told: Mapping[str, Any]) -> dict[str, Any]:
    """What the host tells, with null for what it leaves out."""
    plain = {key: told[key] for key in PLAIN if told.get(key) is not None}
    lists = {
        key: [{name: one.get(name) for name in names} for one in told[key] if isinstance(one, dict)]
        for key, names in LISTED.items()
        if isinstance(told.get(key), list) and told[key]
    }
    memory = told.get("memory_details")
    if isinstance(memory, dict):
        plain["memory_details"] = {name: memory.get(name) for name in ("maximum", "used")}
    return plain | lists

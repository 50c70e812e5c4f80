"""What each known extra spec is for, in a sentence, for the operator who edits a flavor."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from flavors.extra_specs import NAMED


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """The name of an extra spec, its values and its meaning."""

    name: str
    takes: str
    does: str


MEANINGS: Mapping[str, str] = {
    "accel:device_profile": "Accelerators of this profile are attached.",
    "group_policy": "Numbered groups of resources come from different providers, or need not.",
    "hide_hypervisor_id": "The guest is not told that it is virtual.",
    "hw:boot_menu": "The firmware waits for a key at boot and offers a menu.",
    "hw:cpu_cores": "Cores a socket that the guest sees.",
    "hw:cpu_dedicated_mask": "With the policy mixed: which vCPUs get a host CPU of their own.",
    "hw:cpu_max_cores": "An image may not ask for more cores a socket.",
    "hw:cpu_max_sockets": "An image may not ask for more sockets.",
    "hw:cpu_max_threads": "An image may not ask for more threads a core.",
    "hw:cpu_policy": "Whether vCPUs get host CPUs of their own, float, or some of each.",
    "hw:cpu_realtime": "vCPUs run with real-time priority.",
    "hw:cpu_realtime_mask": "Which vCPUs are real-time ones; ^ leaves some out.",
    "hw:cpu_sockets": "Sockets that the guest sees.",
    "hw:cpu_thread_policy": "What dedicated CPUs do about threads of the same core.",
    "hw:cpu_threads": "Threads a core that the guest sees.",
    "hw:emulator_threads_policy": "Where the emulator itself runs, for dedicated CPUs.",
    "hw:ephemeral_encryption": "Local disks are encrypted.",
    "hw:ephemeral_encryption_format": "In which format local disks are encrypted.",
    "hw:hide_hypervisor_id": "The guest is not told that it is virtual.",
    "hw:locked_memory": "The guest's memory is never swapped out.",
    "hw:mem_encryption": "The guest's memory is encrypted by the processor.",
    "hw:mem_encryption_model": "Which encryption of memory.",
    "hw:mem_page_size": "The size of the memory pages that back the guest.",
    "hw:numa_nodes": "How many NUMA nodes the guest sees.",
    "hw:pci_numa_affinity_policy": "How near PCI devices are to the guest's NUMA nodes.",
    "hw:pmem": "Persistent memory with these labels.",
    "hw:pmu": "The guest has a unit that counts events of the processor.",
    "hw:redirected_usb_ports": "How many USB ports can be redirected.",
    "hw:serial_port_count": "How many serial ports.",
    "hw:sound_model": "A sound card of this model.",
    "hw:tpm_model": "The model of the emulated TPM.",
    "hw:tpm_secret_security": "Who can unlock the TPM's secrets.",
    "hw:tpm_version": "An emulated TPM of this version.",
    "hw:usb_model": "The model of the USB controller.",
    "hw:vif_multiqueue_enabled": "NICs have a queue for each vCPU.",
    "hw:viommu_model": "A virtual IOMMU of this model.",
    "hw:virtio_packed_ring": "virtio devices use the packed form of their rings.",
    "hw:watchdog_action": "What happens when the guest no longer answers its watchdog.",
    "hw_rng:allowed": "Whether the guest gets a source of random numbers, if the image wants it.",
    "hw_rng:rate_bytes": "How many random bytes in each period.",
    "hw_rng:rate_period": "Length of that period, in milliseconds.",
    "hw_video:ram_max_mb": "An image may not ask for more video memory, in MiB.",
    "os:secure_boot": "Whether the firmware starts signed systems only.",
    "pci_passthrough:alias": "PCI devices passed through, by alias and number.",
    "quota:cpu_period": "Microseconds in which the quota of CPU time holds.",
    "quota:cpu_quota": "Microseconds of CPU time in each period.",
    "quota:cpu_shares": "The weight among guests that want the same CPU.",
    "vmware:hw_version": "Version of the virtual hardware (VMware).",
    "vmware:storage_policy": "Storage policy (VMware).",
}
RESOURCES = {"cpu": "CPU", "memory": "memory", "disk_io": "disk operations", "vif": "bandwidth"}
LEVELS = {
    "limit": "At most so much {} (VMware).",
    "reservation": "So much {} is kept for the guest (VMware).",
    "shares_level": "The share of {} under contention (VMware).",
    "shares_share": "The share of {} where its level is custom (VMware).",
}
UNITS = {"bytes": "Bytes", "iops": "Operations"}
TRANSFERS = {
    "average": "Kilobytes a second, {}, on average.",
    "peak": "Kilobytes a second, {}, at most.",
    "burst": "Kilobytes, {}, that may come at the peak's speed.",
}
PATTERNS = (
    Known("hw:numa_cpus.N", "a list of CPUs", "The vCPUs of the guest's NUMA node N."),
    Known("hw:numa_mem.N", "MiB", "The memory of the guest's NUMA node N."),
    Known(
        "resources:CLASS", "a whole number", "So much of a resource class, or 0 to ask for none."
    ),
    Known("trait:TRAIT", "required or forbidden", "The host has, or has not, this trait."),
    Known(
        "aggregate_instance_extra_specs:KEY",
        "text",
        "Only hosts of aggregates with this metadata.",
    ),
    Known("capabilities:FACT", "text", "Only hosts about which this is true."),
)


def explain() -> list[Known]:
    """All known extra specs with values and meaning; those with parameters in the name last."""
    return [
        *(Known(name, NAMED[name].wanted, meaning_of(name)) for name in sorted(NAMED)),
        *PATTERNS,
    ]


def meaning_of(name: str) -> str:
    """The meaning of a name without parameters."""
    return MEANINGS.get(name) or _meaning_of_quota(name.removeprefix("quota:"))


def _meaning_of_quota(rest: str) -> str:
    for resource, word in RESOURCES.items():
        level = rest.removeprefix(f"{resource}_")
        if level in LEVELS and rest.startswith(resource):
            return LEVELS[level].format(word)
    first, direction, what = rest.split("_")[:3]
    if first == "disk":
        return f"{UNITS[what]} a second that may be {_done(direction)}."
    return TRANSFERS[what].format(direction)


def _done(direction: str) -> str:
    return {"read": "read", "write": "written"}.get(direction, "read and written together")

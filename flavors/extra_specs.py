"""The extra specs that compute knows: the names in its namespaces, and their values.

Names without a namespace and names in other namespaces are the operator's own and not checked.
Facts: nova/api/validation/extra_specs.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping

from os_resource_classes import STANDARDS
from os_traits import get_traits

from compute_site.values.words import LOOSE_FALSE, LOOSE_TRUE
from flavors.errors import UnknownExtraSpec, WrongExtraSpec

NAME = r"[a-zA-Z0-9-_:. ]{1,255}"
NAME_MEANS = "is no name of 1 to 255 letters, digits, spaces and - _ : ."
LONGEST_VALUE = 255


class Value:
    """The type of an extra spec's value; this base class accepts any text."""

    wanted = "text"

    def takes(self, value: str) -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class Number(Value):
    """A whole number within limits."""

    minimum: int | None = None
    maximum: int | None = None

    @property
    def wanted(self) -> str:  # type: ignore[override]
        least = "" if self.minimum is None else f" from {self.minimum}"
        most = "" if self.maximum is None else f" to {self.maximum}"
        return f"a whole number{least}{most}"

    def takes(self, value: str) -> bool:
        try:
            number = int(value)
        except ValueError:
            return False
        return (self.minimum is None or number >= self.minimum) and (
            self.maximum is None or number <= self.maximum
        )


@dataclasses.dataclass(frozen=True)
class Boolean(Value):
    """A word for yes or no."""

    wanted = "a word such as true or false"

    def takes(self, value: str) -> bool:
        return value.strip().lower() in LOOSE_TRUE | LOOSE_FALSE


class Choice(Value):
    """One of some words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.wanted = f"one of {', '.join(words)}"

    def takes(self, value: str) -> bool:
        return value in self.words


@dataclasses.dataclass(frozen=True)
class Pattern(Value):
    """A text that matches a pattern."""

    expression: str
    wanted: str

    def takes(self, value: str) -> bool:
        return re.fullmatch(self.expression, value) is not None


TEXT = Value()
YES_NO = Boolean()
CPUS = Pattern(r"\^?\d+(-\d+|,\^?\d+)*", "a list of CPUs such as 0-3,^2")
AMOUNT = Number(minimum=0)
COUNT = Number(minimum=1)
WHOLE = Number()
SHARES = Choice("custom", "high", "normal", "low")
TRAIT = Choice("required", "forbidden")

NAMED: Mapping[str, Value] = {
    "accel:device_profile": TEXT,
    "group_policy": Choice("isolate", "none"),
    "hide_hypervisor_id": YES_NO,
    "hw:boot_menu": YES_NO,
    "hw:cpu_cores": COUNT,
    "hw:cpu_dedicated_mask": CPUS,
    "hw:cpu_max_cores": COUNT,
    "hw:cpu_max_sockets": COUNT,
    "hw:cpu_max_threads": COUNT,
    "hw:cpu_policy": Choice("dedicated", "shared", "mixed"),
    "hw:cpu_realtime": YES_NO,
    "hw:cpu_realtime_mask": CPUS,
    "hw:cpu_sockets": COUNT,
    "hw:cpu_thread_policy": Choice("prefer", "isolate", "require"),
    "hw:cpu_threads": COUNT,
    "hw:emulator_threads_policy": Choice("isolate", "share"),
    "hw:ephemeral_encryption": YES_NO,
    "hw:ephemeral_encryption_format": Choice("plain", "luks", "luksv2"),
    "hw:hide_hypervisor_id": YES_NO,
    "hw:locked_memory": YES_NO,
    "hw:mem_encryption": YES_NO,
    "hw:mem_encryption_model": Choice("amd-sev", "amd-sev-es", "amd-sev-snp", "intel-tdx"),
    "hw:mem_page_size": Pattern(
        r"large|small|any|\d+([kKMGT]i?)?(b|bit|B)?", "large, small, any or a size such as 2MiB"
    ),
    "hw:numa_nodes": COUNT,
    "hw:pci_numa_affinity_policy": Choice("required", "preferred", "legacy", "socket"),
    "hw:pmem": Pattern(r"[a-zA-Z0-9_]+(,[a-zA-Z0-9_]+)*,?", "a list of labels"),
    "hw:pmu": YES_NO,
    "hw:redirected_usb_ports": Number(minimum=0, maximum=15),
    "hw:serial_port_count": AMOUNT,
    "hw:sound_model": Choice("sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "virtio"),
    "hw:tpm_model": Choice("tpm-tis", "tpm-crb"),
    "hw:tpm_secret_security": Choice("user", "host", "deployment"),
    "hw:tpm_version": Pattern(r"1\.2|2\.0", "1.2 or 2.0"),
    "hw:usb_model": Choice("none", "nec-xhci", "qemu-xhci"),
    "hw:vif_multiqueue_enabled": YES_NO,
    "hw:viommu_model": Choice("intel", "smmuv3", "virtio", "auto"),
    "hw:virtio_packed_ring": YES_NO,
    "hw:watchdog_action": Choice("none", "pause", "poweroff", "reset", "disabled"),
    "hw_rng:allowed": YES_NO,
    "hw_rng:rate_bytes": AMOUNT,
    "hw_rng:rate_period": AMOUNT,
    "hw_video:ram_max_mb": AMOUNT,
    "os:secure_boot": Choice("disabled", "required"),
    "pci_passthrough:alias": Pattern(r"[^:]+:\d+(\s*,\s*[^:]+:\d+)*", "a list such as gpu:1,nic:2"),
    "quota:cpu_period": AMOUNT,
    "quota:cpu_quota": WHOLE,
    "quota:cpu_shares": AMOUNT,
    **{
        f"quota:{resource}_{what}": value
        for resource in ("cpu", "memory", "disk_io", "vif")
        for what, value in {
            "limit": AMOUNT,
            "reservation": WHOLE,
            "shares_level": SHARES,
            "shares_share": AMOUNT,
        }.items()
    },
    **{
        f"quota:disk_{direction}_{unit}_sec": AMOUNT
        for direction in ("read", "write", "total")
        for unit in ("bytes", "iops")
    },
    **{
        f"quota:vif_{direction}_{what}": AMOUNT
        for direction in ("inbound", "outbound")
        for what in ("average", "peak", "burst")
    },
    "vmware:hw_version": TEXT,
    "vmware:storage_policy": TEXT,
}
FACTS = (
    "aggregates|cell_uuid|cpu_allocation_ratio|current_workload|disk_allocation_ratio|"
    "disk_available_least|disk_mb_used|failed_builds|free_disk_gb|free_disk_mb|free_ram_mb|host|"
    "host_ip|hypervisor_hostname|hypervisor_type|hypervisor_version|id|local_gb|local_gb_used|"
    "mapped|memory_mb|memory_mb_used|num_instances|num_io_ops|ram_allocation_ratio|running_vms|"
    "service_id|total_usable_disk_gb|total_usable_ram_mb|updated|uuid|vcpus|vcpus_total|vcpus_used"
)
NESTED_FACTS = (
    "cpu_info|instances|limits|metrics|nodename|numa_topology|pci_device_pools|pci_stats|stats|"
    "supported_hv_specs|supported_instances"
)
GROUP = r"([a-zA-Z0-9_-]{1,64})?"
FORMS: tuple[tuple[re.Pattern[str], Value], ...] = tuple(
    (re.compile(expression), value)
    for expression, value in (
        (r"hw:numa_cpus\.\d+", CPUS),
        (r"hw:numa_mem\.\d+", COUNT),
        (r"aggregate_instance_extra_specs:.+", TEXT),
        (rf"capabilities:({FACTS})", TEXT),
        (rf"capabilities:({NESTED_FACTS})(:\w+)*", TEXT),
        (rf"resources{GROUP}:(CUSTOM_[A-Z0-9_]+|{'|'.join(STANDARDS)})", WHOLE),
        (rf"trait{GROUP}:CUSTOM_[A-Z0-9_]+", TRAIT),
    )
)
NAMESPACES = re.compile(
    r"accel|aggregate_instance_extra_specs|capabilities|hw|hw_rng|hw_video|os|pci_passthrough|"
    rf"quota|vmware|resources{GROUP}|trait{GROUP}"
)


@functools.cache
def _traits() -> frozenset[str]:
    return frozenset(get_traits())


def check_extra_specs(specs: Mapping[str, str]) -> None:
    """Check the names and values of extra specs.

    Raises:
        UnknownExtraSpec: a name is in a namespace of compute but means nothing there.
        WrongExtraSpec: a value is not what its name takes.
    """
    for name, value in specs.items():
        wanted = find_value(name)
        if wanted is not None and not wanted.takes(value):
            raise WrongExtraSpec(
                f"The extra spec {name} takes {wanted.wanted}, not {value!r}.",
                field=f"extra_specs.{name}",
            )


def find_value(name: str) -> Value | None:
    """The type of an extra spec's value; ``None`` for the operator's own extra specs.

    Raises:
        UnknownExtraSpec: the name is in a namespace of compute but means nothing there.
    """
    if name in NAMED:
        return NAMED[name]
    for form, value in FORMS:
        if form.fullmatch(name):
            return value
    namespace, colon, rest = name.partition(":")
    if namespace.startswith("trait") and rest in _traits():
        return TRAIT
    if colon and NAMESPACES.fullmatch(namespace):
        raise UnknownExtraSpec(
            f"There is no extra spec {name} in the namespace {namespace}.",
            field=f"extra_specs.{name}",
        )
    return None

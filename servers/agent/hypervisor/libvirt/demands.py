"""What flavors and images may ask of a guest here, and what is refused because nobody would do it.

The site has looked at values and has chosen the host; this table tells what the host itself carries
out. Nothing that is asked for is dropped in silence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from servers.agent.hypervisor.protocol import Unsupported

TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))
OF_SITE = (
    *("resources", "trait", "required", "capabilities:", "aggregate_instance_extra_specs:"),
    *("group_policy", "in_tree", "member_of", "pci_passthrough:"),
)
"""Beginnings of extra specs that choose the host and ask nothing more of it."""
CARRIED_SPECS = frozenset(
    (
        *("hw:cpu_policy", "hw:cpu_thread_policy", "hw:cpu_dedicated_mask"),
        *("hw:cpu_sockets", "hw:cpu_cores", "hw:cpu_threads"),
        *("hw:cpu_max_sockets", "hw:cpu_max_cores", "hw:cpu_max_threads"),
        *("hw:emulator_threads_policy", "hw:numa_nodes", "hw:mem_page_size", "hw:locked_memory"),
        *("hw:pci_numa_affinity_policy", "hw:pmu", "hw:vif_multiqueue_enabled"),
        *("hw:boot_menu", "hw:watchdog_action", "hw:sound_model", "hw:serial_port_count"),
        *("hide_hypervisor_id", "hw:hide_hypervisor_id", "hw_video:ram_max_mb"),
        *("hw_rng:allowed", "hw_rng:rate_bytes", "hw_rng:rate_period"),
        *("hw:tpm_version", "hw:tpm_model", "hw:tpm_secret_security", "os:secure_boot"),
        *("quota:cpu_shares", "quota:cpu_period", "quota:cpu_quota"),
        *("quota:disk_read_bytes_sec", "quota:disk_read_iops_sec", "quota:disk_write_bytes_sec"),
        *("quota:disk_write_iops_sec", "quota:disk_total_bytes_sec", "quota:disk_total_iops_sec"),
        *("quota:vif_inbound_average", "quota:vif_inbound_peak", "quota:vif_inbound_burst"),
        *("quota:vif_outbound_average", "quota:vif_outbound_peak", "quota:vif_outbound_burst"),
    )
)
CARRIED_SPEC_BEGINNINGS = ("hw:numa_cpus.", "hw:numa_mem.")
GUARDED = ("hw_", "os_")
"""Image properties that begin with neither are about other things than the machine."""
INFORMATION = frozenset(
    (
        *("os_distro", "os_type", "os_version", "os_admin_user", "os_require_quiesce"),
        *("os_skip_agent_inject_files_at_boot", "os_skip_agent_inject_ssh", "os_shutdown_timeout"),
        *("hw_architecture", "hw_vm_mode", "hw_auto_disk_config", "os_hash_algo", "os_hash_value"),
        *("hw_rescue_bus", "hw_rescue_device", "os_hidden", "hw_disk_type"),
    )
)
CARRIED_PROPERTIES = frozenset(
    (
        *("hw_cpu_policy", "hw_cpu_thread_policy", "hw_numa_nodes", "hw_mem_page_size"),
        *("hw_cpu_sockets", "hw_cpu_cores", "hw_cpu_threads"),
        *("hw_cpu_max_sockets", "hw_cpu_max_cores", "hw_cpu_max_threads", "hw_locked_memory"),
        *("hw_disk_bus", "hw_cdrom_bus", "hw_scsi_model", "hw_vif_model", "hw_video_model"),
        *("hw_video_ram", "hw_machine_type", "hw_rng_model", "hw_qemu_guest_agent", "hw_pmu"),
        *("hw_watchdog_action", "hw_boot_menu", "hw_firmware_type", "os_secure_boot"),
        *("hw_vif_multiqueue_enabled", "hw_sound_model", "hw_serial_port_count"),
        *("hw_input_bus", "hw_pointer_model", "hw_time_hpet", "hw_pci_numa_affinity_policy"),
        *("hw_tpm_version", "hw_tpm_model"),
    )
)
CARRIED_PROPERTY_BEGINNINGS = ("hw_numa_cpus.", "hw_numa_mem.")
DISK_BUSES = frozenset(("virtio", "scsi", "sata", "ide", "usb"))
CDROM_BUSES = frozenset(("sata", "ide", "scsi", "usb"))
NIC_MODELS = frozenset(("virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet"))
VIDEO_MODELS = frozenset(("vga", "cirrus", "virtio", "bochs", "none"))


@dataclasses.dataclass(frozen=True, slots=True)
class Demands:
    """What flavor and image ask for; what both may name, the image's word counts first, since the
    site has refused what does not go together.
    """

    specs: Mapping[str, str]
    properties: Mapping[str, Any]

    def word(self, name: str, default: str = "") -> str:
        """``cpu_sockets`` stands for ``hw_cpu_sockets`` and ``hw:cpu_sockets``."""
        for value in (self.properties.get(f"hw_{name}"), self.specs.get(f"hw:{name}")):
            if value not in (None, ""):
                return str(value).strip()
        return default

    def number(self, name: str) -> int | None:
        word = self.word(name)
        return int(word) if word.isdecimal() else None

    def flag(self, name: str) -> bool:
        return is_true(self.word(name))

    def spec_number(self, name: str) -> int | None:
        word = str(self.specs.get(name, "")).strip()
        return int(word) if word.isdecimal() else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What this machine can do for guests beyond what all of them can. ``machine`` is the type of
    those whose image names none.
    """

    uefi: bool = False
    secure_boot: bool = False
    """With the keys in it by which it knows what may start."""
    tpm: bool = False
    machine: str = ""


def demands_of(guest: Mapping[str, Any]) -> Demands:
    flavor = guest.get("flavor") or {}
    return Demands(flavor.get("extra_specs") or {}, guest.get("properties") or {})


def needs_secure_boot(demands: Demands) -> bool:
    words = (demands.specs.get("os:secure_boot"), demands.properties.get("os_secure_boot"))
    return "required" in words


def is_true(value: Any) -> bool:
    return str(value).strip().lower() in TRUE


def check_demands(guest: Mapping[str, Any], able: Abilities) -> None:
    """Raises ``Unsupported``, and names all that this host does not do."""
    demands = demands_of(guest)
    faults = [*_unknown(demands), *_values(demands), *_abilities(demands, able)]
    if guest.get("image_kernel") or demands.properties.get("kernel_id"):
        faults.append("images with a kernel of their own (kernel_id)")
    if faults:
        raise Unsupported("this host does not do what is asked for: " + "; ".join(faults))


def _unknown(demands: Demands) -> Iterator[str]:
    for key, value in sorted(demands.specs.items()):
        if not _is_known_spec(key) and not _is_off(value):
            yield f"{key}={value} of the flavor"
    for key, value in sorted(demands.properties.items()):
        if key.startswith(GUARDED) and not _is_known_property(key) and not _is_off(value):
            yield f"{key}={value} of the image"


def _is_known_spec(key: str) -> bool:
    has_no_scope = ":" not in key
    return (
        key in CARRIED_SPECS or key.startswith((*OF_SITE, *CARRIED_SPEC_BEGINNINGS)) or has_no_scope
    )


def _is_known_property(key: str) -> bool:
    return key in CARRIED_PROPERTIES | INFORMATION or key.startswith(CARRIED_PROPERTY_BEGINNINGS)


def _is_off(value: Any) -> bool:
    return str(value).strip().lower() in {"", "false", "0", "no", "off", "none", "disabled"}


def _values(demands: Demands) -> Iterator[str]:
    """Words that the API knows and QEMU, or this host, does not."""
    rules: Iterable[tuple[str, Callable[[str], bool]]] = (
        ("disk_bus", DISK_BUSES.__contains__),
        ("cdrom_bus", CDROM_BUSES.__contains__),
        ("vif_model", NIC_MODELS.__contains__),
        ("video_model", VIDEO_MODELS.__contains__),
        ("scsi_model", {"virtio-scsi", "lsilogic"}.__contains__),
        ("rng_model", {"virtio"}.__contains__),
        ("firmware_type", {"bios", "uefi"}.__contains__),
        ("tpm_secret_security", {"host"}.__contains__),
    )
    for name, allows in rules:
        word = demands.word(name).lower()
        if word and not allows(word):
            yield f"{word} as hw_{name}"
    if (demands.number("serial_port_count") or 1) > 1:
        yield "more than one serial port"
    limit = demands.spec_number("hw_video:ram_max_mb")
    asked = demands.number("video_ram") or 0
    if asked and asked > (limit or 0):
        yield f"{asked} MiB of video memory, where the flavor allows {limit or 0}"


def _abilities(demands: Demands, able: Abilities) -> Iterator[str]:
    if demands.word("firmware_type").lower() == "uefi" and not able.uefi:
        yield "UEFI (no firmware is installed; on Debian: ovmf)"
    if demands.word("tpm_version") and not able.tpm:
        yield "a TPM (swtpm is not installed)"
    if needs_secure_boot(demands):
        yield from _secure_boot(demands, able)


def _secure_boot(demands: Demands, able: Abilities) -> Iterator[str]:
    machine = demands.word("machine_type") or able.machine or "pc"
    if not able.secure_boot:
        yield "secure boot (no firmware with keys is installed; on Debian: ovmf)"
    if demands.word("firmware_type").lower() != "uefi":
        yield "secure boot without UEFI (hw_firmware_type uefi of the image)"
    if "q35" not in machine:
        yield f"secure boot with the machine type {machine} (hw_machine_type q35 of the image)"

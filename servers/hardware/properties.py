"""The image properties that Compute knows, each with the values it may have
(docs/contract/create-flow.md I2).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from servers.hardware.errors import WrongImageProperty
from servers.hardware.values import (
    cpu_list,
    device_list,
    device_list_text,
    flag,
    number,
    text,
    version_bounds,
    word,
)

NUMA_NODES_MAX = 128

ARCHITECTURES = (
    "alpha armv6 armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel mips mipsel"
    " mips64 mips64el openrisc parisc parisc64 ppc ppcle ppc64 ppc64le ppcemb s390 s390x sh4 sh4eb"
    " sparc sparc64 unicore32 x86_64 xtensa xtensaeb"
)
HYPERVISORS = (
    "baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz parallels phyp prsm qemu"
    " test uml vbox vmware vz xen zvm"
)
VM_MODES = "hvm xen uml exe"
CPU_POLICIES = "dedicated shared mixed"
THREAD_POLICIES = "prefer isolate require"
PCI_NUMA_POLICIES = "required legacy preferred socket"
ENCRYPTION_MODELS = "amd-sev amd-sev-es amd-sev-snp intel-tdx"
ENCRYPTION_FORMATS = "plain luks luksv2"
SOUND_MODELS = "sb16 es1370 pcspk ac97 ich6 ich9 usb virtio"
SCSI_MODELS = "buslogic ibmvscsi lsilogic lsisas1068 lsisas1078 virtio-scsi vmpvscsi"
VIF_MODELS = (
    "virtio ne2k_pci pcnet rtl8139 e1000 e1000e netfront spapr-vlan lan9118 sriov vmxnet vmxnet3"
    " igb"
)
SIGNATURE_KEYS = (
    "DSA ECC_SECP384R1 ECC_SECP521R1 ECC_SECT409K1 ECC_SECT409R1 ECC_SECT571K1 ECC_SECT571R1"
    " RSA-PSS"
)

architecture = word(
    ARCHITECTURES,
    also={
        "amd64": "x86_64",
        **dict.fromkeys(("i386", "i486", "i586", "x86_32", "x86_32p"), "i686"),
    },
    any_case=True,
)
disk_bus = word("fdc ide sata scsi usb virtio xen lxc uml")
scsi_model = word(
    SCSI_MODELS,
    also={"lsilogicsas": "lsisas1068", "paravirtual": "vmpvscsi"},
    any_case=True,
)
vif_model = word(
    VIF_MODELS,
    also={
        "virtuale1000": "e1000",
        "virtuale1000e": "e1000e",
        "virtualpcnet32": "pcnet",
        "virtualsriovethernetcard": "sriov",
        "virtualvmxnet": "vmxnet",
        "virtualvmxnet3": "vmxnet3",
    },
    any_case=True,
)
vm_mode = word(VM_MODES, also={"pv": "xen", "hv": "hvm", "baremetal": "hvm"}, any_case=True)


def read_by(reader: Callable[[Any], Any]) -> Any:
    """A field for a property: ``None`` by default, otherwise read by ``reader``."""
    return dataclasses.field(default=None, metadata={"reader": reader})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageProperties:
    """The known properties of an image, ``None`` where the image has none of that name.

    Page size and realtime mask stay texts: they are read only where the flavor allows them.
    """

    hw_architecture: str | None = read_by(architecture)
    hw_emulation_architecture: str | None = read_by(architecture)
    hw_auto_disk_config: str | None = read_by(text)
    hw_boot_menu: bool | None = read_by(flag)
    hw_cdrom_bus: str | None = read_by(disk_bus)
    hw_cpu_cores: int | None = read_by(number)
    hw_cpu_max_cores: int | None = read_by(number)
    hw_cpu_max_sockets: int | None = read_by(number)
    hw_cpu_max_threads: int | None = read_by(number)
    hw_cpu_policy: str | None = read_by(word(CPU_POLICIES))
    hw_cpu_realtime_mask: str | None = read_by(text)
    hw_cpu_sockets: int | None = read_by(number)
    hw_cpu_thread_policy: str | None = read_by(word(THREAD_POLICIES))
    hw_cpu_threads: int | None = read_by(number)
    hw_device_id: int | None = read_by(number)
    hw_disk_bus: str | None = read_by(disk_bus)
    hw_disk_type: str | None = read_by(text)
    hw_ephemeral_encryption: bool | None = read_by(flag)
    hw_ephemeral_encryption_format: str | None = read_by(word(ENCRYPTION_FORMATS))
    hw_ephemeral_encryption_secret_uuid: str | None = read_by(str)
    hw_firmware_stateless: bool | None = read_by(flag)
    hw_firmware_type: str | None = read_by(word("uefi bios"))
    hw_floppy_bus: str | None = read_by(disk_bus)
    hw_input_bus: str | None = read_by(word("usb virtio"))
    hw_ipxe_boot: bool | None = read_by(flag)
    hw_locked_memory: bool | None = read_by(flag)
    hw_machine_type: str | None = read_by(text)
    hw_maxphysaddr_bits: int | None = read_by(number)
    hw_maxphysaddr_mode: str | None = read_by(word("passthrough emulate"))
    hw_mem_encryption: bool | None = read_by(flag)
    hw_mem_encryption_model: str | None = read_by(word(ENCRYPTION_MODELS))
    hw_mem_page_size: str | None = read_by(text)
    hw_numa_nodes: int | None = read_by(number)
    hw_pci_numa_affinity_policy: str | None = read_by(word(PCI_NUMA_POLICIES))
    hw_pmu: bool | None = read_by(flag)
    hw_pointer_model: str | None = read_by(word("usbtablet"))
    hw_qemu_guest_agent: bool | None = read_by(flag)
    hw_redirected_usb_ports: int | None = read_by(number)
    hw_rescue_bus: str | None = read_by(disk_bus)
    hw_rescue_device: str | None = read_by(word("cdrom disk floppy fs lun"))
    hw_rng_model: str | None = read_by(word("virtio"))
    hw_scsi_model: str | None = read_by(scsi_model)
    hw_serial_port_count: int | None = read_by(number)
    hw_sound_model: str | None = read_by(word(SOUND_MODELS))
    hw_time_hpet: bool | None = read_by(flag)
    hw_tpm_model: str | None = read_by(word("tpm-tis tpm-crb"))
    hw_tpm_version: str | None = read_by(word("1.2 2.0"))
    hw_usb_model: str | None = read_by(word("none nec-xhci qemu-xhci"))
    hw_video_model: str | None = read_by(word("cirrus qxl vga vmvga xen virtio gop none bochs"))
    hw_video_ram: int | None = read_by(number)
    hw_vif_model: str | None = read_by(vif_model)
    hw_vif_multiqueue_enabled: bool | None = read_by(flag)
    hw_viommu_model: str | None = read_by(word("intel smmuv3 virtio auto"))
    hw_virtio_packed_ring: bool | None = read_by(flag)
    hw_vm_mode: str | None = read_by(vm_mode)
    hw_watchdog_action: str | None = read_by(word("none pause poweroff reset disabled"))
    img_bdm_v2: bool | None = read_by(flag)
    img_bittorrent: bool | None = read_by(flag)
    img_block_device_mapping: tuple[Mapping[str, Any], ...] | None = read_by(device_list)
    img_cache_in_nova: bool | None = read_by(flag)
    img_compression_level: int | None = read_by(number)
    img_config_drive: str | None = read_by(word("optional mandatory"))
    img_hide_hypervisor_id: bool | None = read_by(flag)
    img_hv_requested_version: str | None = read_by(version_bounds)
    img_hv_type: str | None = read_by(word(HYPERVISORS, also={"xapi": "xen"}, any_case=True))
    img_linked_clone: bool | None = read_by(flag)
    img_mappings: tuple[Mapping[str, Any], ...] | None = read_by(device_list)
    img_owner_id: str | None = read_by(text)
    img_root_device_name: str | None = read_by(text)
    img_signature: str | None = read_by(text)
    img_signature_certificate_uuid: str | None = read_by(str)
    img_signature_hash_method: str | None = read_by(word("SHA-224 SHA-256 SHA-384 SHA-512"))
    img_signature_key_type: str | None = read_by(word(SIGNATURE_KEYS))
    img_use_agent: bool | None = read_by(flag)
    img_version: int | None = read_by(number)
    os_admin_user: str | None = read_by(text)
    os_command_line: str | None = read_by(text)
    os_distro: str | None = read_by(text)
    os_require_quiesce: bool | None = read_by(flag)
    os_secure_boot: str | None = read_by(word("required disabled optional"))
    os_skip_agent_inject_files_at_boot: bool | None = read_by(flag)
    os_skip_agent_inject_ssh: bool | None = read_by(flag)
    os_type: str | None = read_by(word("linux windows", any_case=True))

    hw_numa_cpus: tuple[frozenset[int], ...] | None = None
    """The CPUs of each node, from ``hw_numa_cpus.0``, ``hw_numa_cpus.1``, … without gap."""
    hw_numa_mem: tuple[int, ...] | None = None
    """The MiB of each node, likewise."""
    traits_required: frozenset[str] = frozenset()
    """The names of the ``trait:…`` properties whose value is ``required``."""


READERS: Mapping[str, Callable[[Any], Any]] = {
    field.name: field.metadata["reader"]
    for field in dataclasses.fields(ImageProperties)
    if "reader" in field.metadata
}

OLD_SPELLINGS = {
    "architecture": "hw_architecture",
    "auto_disk_config": "hw_auto_disk_config",
    "bdm_v2": "img_bdm_v2",
    "bittorrent": "img_bittorrent",
    "block_device_mapping": "img_block_device_mapping",
    "cache_in_nova": "img_cache_in_nova",
    "hypervisor_type": "img_hv_type",
    "hypervisor_version_requires": "img_hv_requested_version",
    "ipxe_boot": "hw_ipxe_boot",
    "mappings": "img_mappings",
    "owner_id": "img_owner_id",
    "root_device_name": "img_root_device_name",
    "vm_mode": "hw_vm_mode",
    "vmware_disktype": "hw_disk_type",
    "vmware_image_version": "img_version",
    "vmware_linked_clone": "img_linked_clone",
    "vmware_ostype": "os_distro",
    "xenapi_device_id": "hw_device_id",
    "xenapi_image_compression_level": "img_compression_level",
    "xenapi_skip_agent_inject_files_at_boot": "os_skip_agent_inject_files_at_boot",
    "xenapi_skip_agent_inject_ssh": "os_skip_agent_inject_ssh",
    "xenapi_use_agent": "img_use_agent",
}

JSON_READERS = {"block_device_mapping": device_list_text, "mappings": device_list_text}
"""Nova: the image service holds these as JSON texts, and only the old spellings are decoded."""


def read_image_properties(properties: Mapping[str, Any]) -> ImageProperties:
    """The known properties as typed values; unknown ones are ignored (docs/contract/create-flow.md
    C9).

    Both spellings of a property are read, so a bad value of the old one is a fault even where
    the new one wins.

    Raises:
        WrongImageProperty: a value that does not convert.
    """
    values: dict[str, Any] = {}
    for old, name in OLD_SPELLINGS.items():
        if old in properties:
            values[name] = _read(old, properties[old], JSON_READERS.get(old, READERS[name]))
    values |= _read_disk_adapter(properties)
    for name, value in properties.items():
        if name in READERS:
            values[name] = _read(name, value, READERS[name])
    values["hw_numa_cpus"] = _read_nodes("hw_numa_cpus", properties, cpu_list)
    values["hw_numa_mem"] = _read_nodes("hw_numa_mem", properties, number)
    values["traits_required"] = frozenset(
        name.removeprefix("trait:")
        for name, value in properties.items()
        if name.startswith("trait:") and value == "required"
    )
    return ImageProperties(**values)


def _read(name: str, value: Any, reader: Callable[[Any], Any]) -> Any:
    if value is None:
        raise WrongImageProperty(
            f"The image property {name} is null; give it a value or remove it."
        )
    try:
        return reader(value)
    except ValueError as error:
        raise WrongImageProperty(f"The image property {name} is {value!r}: {error}.") from error


def _read_disk_adapter(properties: Mapping[str, Any]) -> dict[str, Any]:
    """``vmware_adaptertype`` names a bus or, for SCSI, the model of the controller."""
    adapter = properties.get("vmware_adaptertype")
    if not adapter:
        return {}
    if adapter == "ide":
        return {"hw_disk_bus": "ide"}
    model = _read("vmware_adaptertype", adapter, READERS["hw_scsi_model"])
    return {"hw_disk_bus": "scsi", "hw_scsi_model": model}


def _read_nodes(
    name: str, properties: Mapping[str, Any], reader: Callable[[Any], Any]
) -> tuple[Any, ...] | None:
    values = []
    for node in range(NUMA_NODES_MAX):
        key = f"{name}.{node}"
        if key not in properties:
            break
        values.append(_read(key, properties[key], reader))
    return tuple(values) or None

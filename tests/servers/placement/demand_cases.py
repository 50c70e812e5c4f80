"""Demands of servers, and what became of each in a real Nova (34.0.0): data for
``test_demands``.

Recorded with conductor, scheduler, Placement and three compute services of the fake driver. There
are three worlds, in each ``host1`` in ``zone-a``, ``host2`` in no zone, and ``host3``, which is
disabled:

* bare: hosts have what the fake driver tells of;
* rich: ``host1`` has ``RICH`` besides;
* strict: bare, with all of Nova's filters enabled, one aggregate more, and
  ``cross_az_attach`` off.

In the first two Nova's default filters are enabled. ``A`` is ``ACTIVE``, ``E`` is ``ERROR``
after no host was found, a number for a refusal by the API.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

RICH: dict[str, Any] = {
    "inventories": {
        "PCPU": {"total": 16},
        "CUSTOM_LICENSE": {"total": 10, "max_unit": 2},
        "CUSTOM_STEPS": {"total": 12, "min_unit": 4, "step_size": 4},
        "MEM_ENCRYPTION_CONTEXT": {"total": 4},
    },
    "traits": [
        "CUSTOM_GOLD",
        "HW_CPU_HYPERTHREADING",
        "HW_CPU_X86_AMD_SEV",
        "COMPUTE_SECURITY_TPM_TIS",
        "COMPUTE_SECURITY_TPM_2_0",
        "COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER",
        "COMPUTE_EPHEMERAL_ENCRYPTION",
        "COMPUTE_EPHEMERAL_ENCRYPTION_LUKS",
        "COMPUTE_NET_VIRTIO_PACKED",
        "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
    ],
    "children": [
        {
            "name": "gpu-1",
            "inventories": {"VGPU": {"total": 2}},
            "traits": ["CUSTOM_MODEL_A", "HW_NUMA_ROOT"],
        },
        {
            "name": "gpu-2",
            "inventories": {"VGPU": {"total": 1}},
            "traits": ["CUSTOM_MODEL_B"],
        },
        {
            "name": "agent",
            "inventories": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": {"total": 1000}},
            "traits": ["CUSTOM_VNIC_TYPE_NORMAL"],
        },
        {
            "name": "eth-0",
            "parent": "agent",
            "inventories": {
                "NET_BW_EGR_KILOBIT_PER_SEC": {"total": 10000},
                "NET_BW_IGR_KILOBIT_PER_SEC": {"total": 10000},
            },
            "traits": ["CUSTOM_PHYSNET_ONE", "CUSTOM_VNIC_TYPE_NORMAL"],
        },
        {
            "name": "agent-2",
            "inventories": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": {"total": 1000}},
            "traits": ["CUSTOM_AGENT_TWO"],
        },
        {
            "name": "sev-es",
            "inventories": {"MEM_ENCRYPTION_CONTEXT": {"total": 1}},
            "traits": ["HW_CPU_X86_AMD_SEV_ES"],
        },
    ],
    "sharing": [
        {
            "name": "pool",
            "inventories": {"CUSTOM_POOL": {"total": 4}},
            "traits": ["MISC_SHARES_VIA_AGGREGATE", "CUSTOM_NEAR"],
        },
    ],
}
"""What ``host1`` has besides in the rich world, and what is shared with it by an aggregate."""

AGGREGATES: dict[str, dict[str, str]] = {
    "fast": {"ssd": "true", "tier": "gold"},
    "rack": {"availability_zone": "zone-a"},
}
"""``fast`` has ``host1`` and ``host2``, ``rack`` has ``host1``; the strict world has these too:"""
STRICT_AGGREGATES: dict[str, dict[str, str]] = {
    "linux": {"os_distro": "debian"},
}
"""of both hosts."""

BANDWIDTH = {
    "NET_BW_EGR_KILOBIT_PER_SEC": 1000,
    "NET_BW_IGR_KILOBIT_PER_SEC": 1000,
}
GROUP_1, GROUP_2 = (
    "11111111-0000-4000-8000-000000000001",
    "11111111-0000-4000-8000-000000000002",
)
BANDWIDTH_TRAITS = ["CUSTOM_PHYSNET_ONE", "CUSTOM_VNIC_TYPE_NORMAL"]
PORTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bandwidth": {
        "resource_request": {
            "request_groups": [
                {"id": GROUP_1, "required": BANDWIDTH_TRAITS, "resources": BANDWIDTH}
            ],
            "same_subtree": [GROUP_1],
        }
    },
    "too much bandwidth": {
        "resource_request": {
            "request_groups": [
                {
                    "id": GROUP_1,
                    "required": BANDWIDTH_TRAITS,
                    "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 10001},
                }
            ],
            "same_subtree": [GROUP_1],
        }
    },
    "bandwidth elsewhere": {
        "resource_request": {
            "request_groups": [
                {"id": GROUP_1, "required": ["CUSTOM_PHYSNET_TWO"], "resources": BANDWIDTH}
            ],
            "same_subtree": [GROUP_1],
        }
    },
    "packet rate": {
        "resource_request": {
            "request_groups": [
                {
                    "id": GROUP_1,
                    "required": ["CUSTOM_VNIC_TYPE_NORMAL"],
                    "resources": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 100},
                }
            ],
            "same_subtree": [GROUP_1],
        }
    },
    "both": {
        "resource_request": {
            "request_groups": [
                {"id": GROUP_1, "required": BANDWIDTH_TRAITS, "resources": BANDWIDTH},
                {
                    "id": GROUP_2,
                    "required": ["CUSTOM_VNIC_TYPE_NORMAL"],
                    "resources": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 100},
                },
            ],
            "same_subtree": [GROUP_1, GROUP_2],
        }
    },
    "both, of two agents": {
        "resource_request": {
            "request_groups": [
                {"id": GROUP_1, "required": BANDWIDTH_TRAITS, "resources": BANDWIDTH},
                {
                    "id": GROUP_2,
                    "required": ["CUSTOM_AGENT_TWO"],
                    "resources": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 100},
                },
            ],
            "same_subtree": [],
        }
    },
    "both, of two agents in one": {
        "resource_request": {
            "request_groups": [
                {"id": GROUP_1, "required": BANDWIDTH_TRAITS, "resources": BANDWIDTH},
                {
                    "id": GROUP_2,
                    "required": ["CUSTOM_AGENT_TWO"],
                    "resources": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 100},
                },
            ],
            "same_subtree": [GROUP_1, GROUP_2],
        }
    },
    "old bandwidth": {"resource_request": {"required": BANDWIDTH_TRAITS, "resources": BANDWIDTH}},
    "direct": {"binding:vnic_type": "direct"},
    "macvtap": {"binding:vnic_type": "macvtap"},
}
"""Of a network on the physical network ``one``."""

ALIASES = (
    {"name": "nic", "vendor_id": "8086", "product_id": "1563", "device_type": "type-PF"},
    {"name": "card", "vendor_id": "10de", "product_id": "1db4", "numa_policy": "preferred"},
)
"""Of PCI devices, which no host has."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``near``: the hints name a server on ``host1`` as ``{near}``. ``group``: the policy of a
    group; ``members`` of it are there already, on ``host1``.
    """

    name: str
    specs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    image: Mapping[str, str] = dataclasses.field(default_factory=dict)
    sizes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    server: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    hints: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    port: str | None = None
    near: bool = False
    group: str | None = None
    members: int = 0
    admin: bool = False
    volume: str | None = None
    """The zone of the volume that it boots from."""
    became: str
    """What became of it in the worlds bare, rich and strict, such as ``E A E``."""
    here: str | None = None
    """What becomes of it here, where that is another on purpose (docs/compatibility.md)."""

    def outcome(self, world: int) -> str:
        return (self.here or self.became).split()[world]


def case(name: str, became: str, /, **values: Any) -> Case:
    return Case(name=name, became=became, **values)


def specs(name: str, became: str, /, **values: str) -> Case:
    return Case(name=name, became=became, specs=values)


UEFI = {"hw_firmware_type": "uefi", "hw_machine_type": "q35"}
PINNED = {"hw:cpu_policy": "dedicated"}
TWO = {"vcpus": 2}
FOUR = {"vcpus": 4, "ram": 1024}
HUGE = {"vcpus": 5000}

CASES: tuple[Case, ...] = (
    case("nothing special", "A A A"),
    case("too many CPUs", "E E E", sizes={"vcpus": 20000}),
    case("too much memory", "E E E", sizes={"ram": 900000}),
    case("too large a disk", "E E E", sizes={"disk": 700000}),
    # classes
    case("a custom class", "E A E", specs={"resources:CUSTOM_LICENSE": "1"}),
    case(
        "a custom class, as much as one may have", "E A E", specs={"resources:CUSTOM_LICENSE": "2"}
    ),
    case("more of it than one may have", "E E E", specs={"resources:CUSTOM_LICENSE": "3"}),
    case("a class in steps", "E A E", specs={"resources:CUSTOM_STEPS": "8"}),
    case("between the steps", "E E E", specs={"resources:CUSTOM_STEPS": "6"}),
    case("below the least amount", "E E E", specs={"resources:CUSTOM_STEPS": "2"}),
    case("a custom class nobody knows", "E E E", specs={"resources:CUSTOM_UNHEARD": "1"}),
    case("no such class", "A A A", specs={"resources:NO_SUCH_CLASS": "1"}),
    case("an amount that is no number", "A A A", specs={"resources:CUSTOM_LICENSE": "one"}),
    case("a negative amount", "A A A", specs={"resources:CUSTOM_LICENSE": "-1"}),
    case("none of a custom class", "A A A", specs={"resources:CUSTOM_LICENSE": "0"}),
    case("a VGPU", "E A E", specs={"resources:VGPU": "1"}),
    case("two VGPUs", "E A E", specs={"resources:VGPU": "2"}),
    case("three VGPUs", "E E E", specs={"resources:VGPU": "3"}),
    case(
        "a VGPU of a model",
        "E A E",
        specs={"resources:VGPU": "1", "trait:CUSTOM_MODEL_B": "required"},
    ),
    case(
        "two VGPUs of a model that has one",
        "E E E",
        specs={"resources:VGPU": "2", "trait:CUSTOM_MODEL_B": "required"},
    ),
    case("no CPU of the host", "A A A", sizes=HUGE, specs={"resources:VCPU": "0"}),
    case("fewer CPUs of the host", "A A A", specs={"resources:VCPU": "1"}, sizes=HUGE),
    case("more CPUs of the host", "E E E", specs={"resources:VCPU": "99999"}),
    case("no disk of the host", "A A A", specs={"resources:DISK_GB": "0"}, sizes={"disk": 700000}),
    case(
        "no memory of the host", "A A A", specs={"resources:MEMORY_MB": "0"}, sizes={"ram": 900000}
    ),
    case(
        "nothing of the host",
        "E E E",
        specs={"resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"},
    ),
    case(
        "nothing but traits of the host",
        "E E E",
        specs={
            "resources:VCPU": "0",
            "resources:MEMORY_MB": "0",
            "resources:DISK_GB": "0",
            "trait:COMPUTE_NODE": "required",
        },
    ),
    # CPUs
    case("dedicated CPUs", "A A E", specs=PINNED, sizes=TWO),
    case("dedicated CPUs by class", "E A E", specs={"resources:PCPU": "2"}, sizes=TWO),
    case(
        "more dedicated CPUs than there are",
        "E E E",
        specs={"resources:PCPU": "17"},
        sizes={"vcpus": 17},
    ),
    case("dedicated CPUs by the image", "A A E", image={"hw_cpu_policy": "dedicated"}, sizes=TWO),
    case(
        "dedicated CPUs whose threads stay alone",
        "A A E",
        sizes=TWO,
        specs={**PINNED, "hw:cpu_thread_policy": "isolate"},
    ),
    case(
        "dedicated CPUs on siblings",
        "A A E",
        sizes=TWO,
        specs={**PINNED, "hw:cpu_thread_policy": "require"},
    ),
    case(
        "dedicated CPUs and one for the emulator",
        "A A E",
        sizes=TWO,
        specs={**PINNED, "hw:emulator_threads_policy": "isolate"},
    ),
    case(
        "dedicated CPUs, the emulator with others",
        "A A E",
        sizes=TWO,
        specs={**PINNED, "hw:emulator_threads_policy": "share"},
    ),
    case(
        "mixed CPUs",
        "E A E",
        sizes=FOUR,
        specs={"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1"},
    ),
    case(
        "mixed CPUs, the emulator alone",
        "E A E",
        sizes=FOUR,
        specs={
            "hw:cpu_policy": "mixed",
            "hw:cpu_dedicated_mask": "0-1",
            "hw:emulator_threads_policy": "isolate",
        },
    ),
    case(
        "realtime CPUs",
        "A A E",
        sizes=FOUR,
        specs={**PINNED, "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"},
    ),
    case(
        "realtime CPUs among shared ones",
        "E A E",
        sizes=FOUR,
        specs={"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "2-3"},
    ),
    case(
        "hyperthreading required", "400 400 400", specs={"trait:HW_CPU_HYPERTHREADING": "required"}
    ),
    case(
        "hyperthreading forbidden",
        "400 400 400",
        specs={"trait:HW_CPU_HYPERTHREADING": "forbidden"},
    ),
    case("two NUMA nodes", "A A E", specs={"hw:numa_nodes": "2"}, sizes=FOUR),
    case("large pages", "A A E", specs={"hw:mem_page_size": "large"}),
    case("pages of one size", "A A E", specs={"hw:mem_page_size": "2048"}),
    case("persistent memory", "E E E", specs={"hw:pmem": "4GB"}),
    case("a sound card", "A A A", specs={"hw:sound_model": "usb"}),
    case("a sound card of virtio", "E E E", specs={"hw:sound_model": "virtio"}),
    # traits
    case("a trait of the flavor", "E A E", specs={"trait:CUSTOM_GOLD": "required"}),
    case("a trait forbidden by the flavor", "E A E", specs={"trait:CUSTOM_GOLD": "forbidden"}),
    case(
        "a trait that all hosts have, forbidden", "E E E", specs={"trait:COMPUTE_NODE": "forbidden"}
    ),
    case("a trait that all hosts have", "A A A", specs={"trait:COMPUTE_NODE": "required"}),
    case("a trait nobody knows", "E E E", specs={"trait:CUSTOM_UNHEARD": "required"}),
    case("a trait nobody knows, forbidden", "E E E", specs={"trait:CUSTOM_UNHEARD": "forbidden"}),
    case(
        "a trait that is neither required nor forbidden",
        "A A A",
        specs={"trait:CUSTOM_GOLD": "maybe"},
    ),
    case("a trait of the image", "E A E", image={"trait:CUSTOM_GOLD": "required"}),
    case("a trait nobody knows, of the image", "E E E", image={"trait:CUSTOM_UNHEARD": "required"}),
    case(
        "an image that forbids what the flavor requires",
        "E A E",
        specs={"trait:CUSTOM_GOLD": "required"},
        image={"trait:CUSTOM_GOLD": "forbidden"},
    ),
    case(
        "a trait required by the image, forbidden by the flavor",
        "E E E",
        specs={"trait:CUSTOM_GOLD": "forbidden"},
        image={"trait:CUSTOM_GOLD": "required"},
    ),
    case(
        "one trait required, another forbidden",
        "E A E",
        specs={"trait:CUSTOM_GOLD": "required", "trait:CUSTOM_MODEL_A": "forbidden"},
    ),
    # groups
    case("a numbered group", "E A E", specs={"resources1:VGPU": "1"}),
    case(
        "two numbered groups without a policy",
        "E E E",
        specs={"resources1:VGPU": "1", "resources2:VGPU": "1"},
    ),
    case(
        "two numbered groups, together or not",
        "E A E",
        specs={"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "none"},
    ),
    case(
        "two numbered groups apart",
        "E A E",
        specs={"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"},
    ),
    case(
        "two numbered groups apart, too large together",
        "E E E",
        specs={"resources1:VGPU": "2", "resources2:VGPU": "2", "group_policy": "isolate"},
    ),
    case(
        "three numbered groups apart",
        "E E E",
        specs={
            "resources1:VGPU": "1",
            "resources2:VGPU": "1",
            "resources3:VGPU": "1",
            "group_policy": "isolate",
        },
    ),
    case(
        "three numbered groups",
        "E A E",
        specs={
            "resources1:VGPU": "1",
            "resources2:VGPU": "1",
            "resources3:VGPU": "1",
            "group_policy": "none",
        },
    ),
    case(
        "a numbered group with a trait",
        "E A E",
        specs={"resources1:VGPU": "1", "trait1:CUSTOM_MODEL_B": "required"},
    ),
    case(
        "a numbered group with a trait of another provider",
        "E E E",
        specs={"resources1:VGPU": "2", "trait1:CUSTOM_MODEL_B": "required"},
    ),
    case(
        "a numbered group without a trait",
        "E E E",
        specs={"resources1:VGPU": "2", "trait1:CUSTOM_MODEL_A": "forbidden"},
    ),
    case(
        "a numbered group with a trait of the root",
        "E E E",
        specs={"resources1:VGPU": "1", "trait1:CUSTOM_GOLD": "required"},
    ),
    case("a group of traits alone", "E E E", specs={"trait1:CUSTOM_GOLD": "required"}),
    case("a group with a name", "E A E", specs={"resources_GPU:VGPU": "1"}),
    case(
        "a numbered group of two classes on two providers",
        "E E E",
        specs={"resources1:VGPU": "1", "resources1:CUSTOM_LICENSE": "1"},
    ),
    case(
        "a numbered group of two classes on the root",
        "E A E",
        specs={"resources1:CUSTOM_STEPS": "4", "resources1:CUSTOM_LICENSE": "1"},
    ),
    case("CPUs in a numbered group", "A A A", specs={"resources1:VCPU": "1"}),
    case("group_policy alone", "A A E", specs={"group_policy": "isolate"}),
    case(
        "a group_policy that does not exist",
        "E E E",
        specs={"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "apart"},
    ),
    # devices
    case("a PCI alias", "E E E", specs={"pci_passthrough:alias": "nic:1"}),
    case("two PCI aliases", "E E E", specs={"pci_passthrough:alias": "nic:1,card:2"}),
    case(
        "a PCI alias that does not exist",
        "400 400 400",
        specs={"pci_passthrough:alias": "nosuch:1"},
    ),
    case(
        "a PCI alias on its NUMA node",
        "E E E",
        sizes=TWO,
        specs={
            "pci_passthrough:alias": "nic:1",
            "hw:pci_numa_affinity_policy": "required",
            "hw:numa_nodes": "1",
        },
    ),
    case("PCI devices of one socket", "E E E", specs={"hw:pci_numa_affinity_policy": "socket"}),
    case("an SR-IOV port", "E E E", port="direct"),
    case("a port by macvtap", "E E E", port="macvtap"),
    case("a plain port", "A A A", port="plain"),
    case("a port with bandwidth", "E A E", port="bandwidth"),
    case("a port with too much bandwidth", "E E E", port="too much bandwidth"),
    case("a port with bandwidth of another network", "E E E", port="bandwidth elsewhere"),
    case("a port with a packet rate", "E A E", port="packet rate"),
    case("a port with bandwidth and packet rate", "E A E", port="both"),
    case(
        "a port and VGPUs apart",
        "E A E",
        port="bandwidth",
        specs={"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"},
    ),
    case("a port and one VGPU", "E A E", port="bandwidth", specs={"resources1:VGPU": "1"}),
    # security
    case("a TPM", "E A E", specs={"hw:tpm_version": "2.0"}),
    case("a TPM of the image", "E A E", image={"hw_tpm_version": "2.0"}),
    case(
        "a TPM of another model",
        "E E E",
        specs={"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"},
    ),
    case("an old TPM", "E E E", specs={"hw:tpm_version": "1.2"}),
    case("memory encryption", "E A E", specs={"hw:mem_encryption": "true"}, image=UEFI),
    case(
        "memory encryption by SEV",
        "E A E",
        image=UEFI,
        specs={"hw:mem_encryption": "true", "hw:mem_encryption_model": "amd-sev"},
    ),
    case(
        "memory encryption by SEV-ES",
        "E A E",
        image=UEFI,
        specs={"hw:mem_encryption": "true", "hw:mem_encryption_model": "amd-sev-es"},
    ),
    case("memory encryption without UEFI", "400 400 400", specs={"hw:mem_encryption": "true"}),
    case("encrypted disks", "E A E", specs={"hw:ephemeral_encryption": "true"}),
    case(
        "encrypted disks in a format",
        "E A E",
        specs={"hw:ephemeral_encryption": "true", "hw:ephemeral_encryption_format": "luks"},
    ),
    case(
        "encrypted disks in another format",
        "E E E",
        specs={"hw:ephemeral_encryption": "true", "hw:ephemeral_encryption_format": "plain"},
    ),
    case("encrypted disks by the image", "E A E", image={"hw_ephemeral_encryption": "true"}),
    case("secure boot", "E A E", specs={"os:secure_boot": "required"}, image=UEFI),
    case("secure boot by the image", "E A E", image={"os_secure_boot": "required", **UEFI}),
    case("secure boot if there is some", "A A A", image={"os_secure_boot": "optional", **UEFI}),
    case("stateless firmware", "A A A", image={"hw_firmware_stateless": "true", **UEFI}),
    case("packed rings", "E A E", specs={"hw:virtio_packed_ring": "true"}),
    case("packed rings by the image", "E A E", image={"hw_virtio_packed_ring": "true"}),
    case("locked memory", "A A E", specs={"hw:locked_memory": "true", "hw:mem_page_size": "small"}),
    case("addresses passed through", "A A A", specs={"hw:maxphysaddr_mode": "passthrough"}),
    case(
        "addresses of some bits",
        "E E E",
        specs={"hw:maxphysaddr_mode": "emulate", "hw:maxphysaddr_bits": "42"},
    ),
    # images
    case("the architecture of the hosts", "A A A", image={"hw_architecture": "x86_64"}),
    case("an old spelling of it", "A A A", image={"architecture": "amd64"}),
    case("another architecture", "E E E", image={"hw_architecture": "aarch64"}),
    case("another architecture in its old spelling", "E E E", image={"architecture": "ppc64le"}),
    case("the hypervisor of the hosts", "A A A", image={"img_hv_type": "fake"}),
    case("another hypervisor", "E E E", image={"img_hv_type": "kvm"}),
    case("another hypervisor in its old spelling", "E E E", image={"hypervisor_type": "xen"}),
    case("a hypervisor of no kind", "400 400 400", image={"img_hv_type": "nosuch"}),
    case("the VM mode of the hosts", "A A A", image={"hw_vm_mode": "hvm"}),
    case("another VM mode", "E E E", image={"hw_vm_mode": "exe"}),
    case(
        "an old hypervisor",
        "E E E",
        image={"img_hv_type": "fake", "img_hv_requested_version": ">=6.0"},
    ),
    case(
        "a hypervisor that is old enough",
        "A A A",
        image={"img_hv_type": "fake", "img_hv_requested_version": "<6.0"},
    ),
    case(
        "emulation of another architecture", "A A A", image={"hw_emulation_architecture": "aarch64"}
    ),
    case("disks on another bus", "A A A", image={"hw_disk_bus": "scsi"}),
    case("an image of a distribution", "A A A", image={"os_distro": "debian"}),
    case("an image of another distribution", "A A E", image={"os_distro": "fedora"}),
    # capabilities
    case("the hypervisor by capability", "A A A", specs={"capabilities:hypervisor_type": "fake"}),
    case(
        "another hypervisor by capability", "E E E", specs={"capabilities:hypervisor_type": "QEMU"}
    ),
    case(
        "one of several hypervisors",
        "A A A",
        specs={"capabilities:hypervisor_type": "<or> QEMU <or> fake"},
    ),
    case("a hypervisor by operator", "A A A", specs={"capabilities:hypervisor_type": "s== fake"}),
    case(
        "a newer hypervisor by capability",
        "E E E",
        specs={"capabilities:hypervisor_version": ">= 2000"},
    ),
    case("the CPU's vendor", "A A A", specs={"capabilities:cpu_info:vendor": "Intel"}),
    case("another CPU vendor", "E E E", specs={"capabilities:cpu_info:vendor": "AMD"}),
    case("a feature of the CPU", "A A A", specs={"capabilities:cpu_info:features": "<in> pge"}),
    case(
        "another feature of the CPU",
        "E E E",
        specs={"capabilities:cpu_info:features": "<in> avx512f"},
    ),
    case(
        "both features of the CPU",
        "A A A",
        specs={"capabilities:cpu_info:features": "<all-in> pge clflush"},
    ),
    case("sockets of the CPU", "A A A", specs={"capabilities:cpu_info:topology:sockets": "== 4"}),
    case("more sockets", "E E E", specs={"capabilities:cpu_info:topology:sockets": ">= 8"}),
    case("a capability that no host tells of", "E E E", specs={"capabilities:gpu_count": ">= 1"}),
    case("free memory by capability", "A A A", specs={"capabilities:free_ram_mb": ">= 1000"}),
    case("more free memory", "E E E", specs={"capabilities:free_ram_mb": ">= 900000"}),
    case("free memory without a scope", "E E E", specs={"free_ram_mb": ">= 900000"}),
    case("servers of the host", "A A A", specs={"capabilities:num_instances": "<= 100"}),
    case("another scope", "A A A", specs={"vendor:something": "yes"}),
    # aggregates
    case("metadata of an aggregate", "A A A", specs={"aggregate_instance_extra_specs:ssd": "true"}),
    case(
        "other metadata of an aggregate",
        "A A E",
        specs={"aggregate_instance_extra_specs:ssd": "false"},
    ),
    case(
        "metadata that no aggregate has",
        "A A E",
        specs={"aggregate_instance_extra_specs:nvme": "true"},
    ),
    case(
        "metadata by operator",
        "A A A",
        specs={"aggregate_instance_extra_specs:tier": "<or> silver <or> gold"},
    ),
    case("metadata without a scope", "A A E", specs={"tier": "silver"}),
    # hosts
    case("a zone", "A A A", server={"availability_zone": "zone-a"}),
    case("the default zone", "A A A", server={"availability_zone": "nova"}),
    case(
        "a zone with a host",
        "A A A",
        admin=True,
        server={"availability_zone": "nova:host2"},
    ),
    case(
        "a zone with a host of another zone",
        "A A A",
        admin=True,
        server={"availability_zone": "nova:host1"},
    ),
    case(
        "a zone with a disabled host",
        "E E E",
        admin=True,
        server={"availability_zone": "nova:host3"},
    ),
    case(
        "a zone with a host that does not exist",
        "E E E",
        admin=True,
        server={"availability_zone": "nova:host9"},
    ),
    case(
        "a zone with a host and a node",
        "A A A",
        admin=True,
        server={"availability_zone": "nova:host2:host2"},
    ),
    case(
        "a zone with a host and another node",
        "E E E",
        admin=True,
        server={"availability_zone": "nova:host2:host1"},
    ),
    case(
        "a zone with a host without the class",
        "E E E",
        admin=True,
        server={"availability_zone": "nova:host2"},
        specs={"resources:CUSTOM_LICENSE": "1"},
    ),
    case(
        "a zone with a host without the trait",
        "E E E",
        admin=True,
        server={"availability_zone": "nova:host2"},
        specs={"trait:CUSTOM_GOLD": "required"},
    ),
    case(
        "a zone with a host of another architecture",
        "A A A",
        admin=True,
        server={"availability_zone": "nova:host2"},
        image={"hw_architecture": "aarch64"},
    ),
    case(
        "a zone with a host without the capability",
        "A A A",
        admin=True,
        server={"availability_zone": "nova:host2"},
        specs={"capabilities:hypervisor_type": "QEMU"},
    ),
    case("a host", "A A A", admin=True, server={"host": "host2"}),
    case("a node", "A A A", admin=True, server={"hypervisor_hostname": "host2"}),
    case(
        "a host and its node",
        "A A A",
        admin=True,
        server={"host": "host2", "hypervisor_hostname": "host2"},
    ),
    case(
        "a host and another node",
        "400 400 400",
        admin=True,
        server={"host": "host2", "hypervisor_hostname": "host1"},
    ),
    case("a disabled host", "E E E", admin=True, server={"host": "host3"}),
    case("a host that does not exist", "400 400 400", admin=True, server={"host": "host9"}),
    case(
        "a host outside of the zone",
        "E E E",
        admin=True,
        server={"host": "host2", "availability_zone": "zone-a"},
    ),
    case(
        "a host without the class",
        "E E E",
        admin=True,
        server={"host": "host2"},
        specs={"resources:CUSTOM_LICENSE": "1"},
    ),
    case(
        "a host of another architecture",
        "E E E",
        admin=True,
        server={"host": "host2"},
        image={"hw_architecture": "aarch64"},
    ),
    # hints and groups
    case("near a server", "A A A", near=True, hints={"same_host": ["{near}"]}),
    case(
        "near a server, in another zone",
        "A A A",
        here="A A E",
        near=True,
        hints={"same_host": ["{near}"]},
        server={"availability_zone": "nova"},
    ),
    case(
        "near a server, by one text",
        "A A A",
        here="A A E",
        near=True,
        hints={"same_host": "{near}"},
        server={"availability_zone": "nova"},
    ),
    case("apart from a server", "A A A", near=True, hints={"different_host": ["{near}"]}),
    case(
        "apart from a server, in its zone",
        "A A E",
        near=True,
        hints={"different_host": ["{near}"]},
        server={"availability_zone": "zone-a"},
    ),
    case(
        "near a server that does not exist",
        "A A E",
        hints={"same_host": ["00000000-0000-4000-8000-00000000ffff"]},
    ),
    case(
        "apart from a server that does not exist",
        "A A A",
        hints={"different_host": ["00000000-0000-4000-8000-00000000ffff"]},
    ),
    case("a query that holds", "A A A", hints={"query": '[">=", "$free_ram_mb", 1024]'}),
    case("a query that does not hold", "A A E", hints={"query": '[">=", "$free_ram_mb", 900000]'}),
    case("a query for a host", "A A A", hints={"query": '["=", "$host", "host2"]'}),
    case(
        "a query of several parts",
        "A A E",
        hints={"query": '["and", [">=", "$vcpus_total", 1], ["<", "$vcpus_used", 0]]'},
    ),
    case("a query of no sense", "A A E", hints={"query": "[1, 2"}),
    case("near an address", "A A E", hints={"build_near_host_ip": "192.168.1.1", "cidr": "/24"}),
    case("together with nobody", "A A A", group="affinity"),
    case("together with a member", "A A A", group="affinity", members=1),
    case(
        "together with a member, in another zone",
        "A A A",
        here="E E E",
        group="affinity",
        members=1,
        server={"availability_zone": "nova"},
    ),
    case("three together", "A A A", group="affinity", server={"min_count": 3, "max_count": 3}),
    case("two apart", "A A A", group="anti-affinity", server={"min_count": 2, "max_count": 2}),
    case("three apart", "E E E", group="anti-affinity", server={"min_count": 3, "max_count": 3}),
    case(
        "apart from a member, in its zone",
        "E E E",
        group="anti-affinity",
        members=1,
        server={"availability_zone": "zone-a"},
    ),
    case(
        "rather apart from a member, in its zone",
        "A A A",
        group="soft-anti-affinity",
        members=1,
        server={"availability_zone": "zone-a"},
    ),
    case(
        "rather together with a member, in another zone",
        "A A A",
        group="soft-affinity",
        members=1,
        server={"availability_zone": "nova"},
    ),
    case(
        "apart, on the host of a member",
        "E E E",
        group="anti-affinity",
        members=1,
        admin=True,
        server={"availability_zone": "nova:host1"},
    ),
    # several
    case(
        "as many as one may have of a class",
        "E A E",
        specs={"resources:CUSTOM_LICENSE": "2"},
        server={"min_count": 5, "max_count": 5},
    ),
    case(
        "more than there are of a class",
        "E E E",
        specs={"resources:CUSTOM_LICENSE": "2"},
        server={"min_count": 6, "max_count": 6},
    ),
    case(
        "as many VGPUs as there are",
        "E E E",
        here="E A E",
        specs={"resources1:VGPU": "1"},
        server={"min_count": 3, "max_count": 3},
    ),
    case(
        "more VGPUs than there are",
        "E E E",
        specs={"resources1:VGPU": "1"},
        server={"min_count": 4, "max_count": 4},
    ),
    case(
        "two servers each with VGPUs apart",
        "E E E",
        server={"min_count": 2, "max_count": 2},
        specs={"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"},
    ),
    # more of nested providers
    case(
        "two servers with memory encrypted by SEV-ES",
        "E E E",
        specs={"hw:mem_encryption": "true", "hw:mem_encryption_model": "amd-sev-es"},
        image=UEFI,
        server={"min_count": 2, "max_count": 2},
    ),
    case(
        "memory encryption by SEV-ES, by the image",
        "E A E",
        image={"hw_mem_encryption": "true", "hw_mem_encryption_model": "amd-sev-es", **UEFI},
    ),
    case(
        "four servers with memory encrypted by SEV",
        "E E E",
        here="E A E",
        specs={"hw:mem_encryption": "true", "hw:mem_encryption_model": "amd-sev"},
        image=UEFI,
        server={"min_count": 4, "max_count": 4},
    ),
    case(
        "a port with bandwidth and packet rate of two agents", "E A E", port="both, of two agents"
    ),
    case(
        "a port with bandwidth and packet rate of two agents in one subtree",
        "E E E",
        port="both, of two agents in one",
    ),
    case(
        "two numbered groups of one model",
        "E A E",
        specs={
            "resources1:VGPU": "1",
            "trait1:CUSTOM_MODEL_A": "required",
            "resources2:VGPU": "1",
            "trait2:CUSTOM_MODEL_A": "required",
            "group_policy": "none",
        },
    ),
    case(
        "two numbered groups of one model apart",
        "E E E",
        specs={
            "resources1:VGPU": "1",
            "trait1:CUSTOM_MODEL_A": "required",
            "resources2:VGPU": "1",
            "trait2:CUSTOM_MODEL_A": "required",
            "group_policy": "isolate",
        },
    ),
    case(
        "two numbered groups of two models apart",
        "E A E",
        specs={
            "resources1:VGPU": "1",
            "trait1:CUSTOM_MODEL_A": "required",
            "resources2:VGPU": "1",
            "trait2:CUSTOM_MODEL_B": "required",
            "group_policy": "isolate",
        },
    ),
    case(
        "a numbered group without a model",
        "E A E",
        specs={"resources1:VGPU": "1", "trait1:CUSTOM_MODEL_A": "forbidden"},
    ),
    case(
        "too much in a numbered group without a model",
        "E E E",
        specs={"resources1:VGPU": "2", "trait1:CUSTOM_MODEL_A": "forbidden"},
    ),
    case(
        "VGPUs of the root's group and of a numbered one",
        "E A E",
        specs={"resources:VGPU": "1", "resources1:VGPU": "2"},
    ),
    case(
        "more VGPUs in the root's group and in a numbered one",
        "E E E",
        specs={"resources:VGPU": "2", "resources1:VGPU": "2"},
    ),
    case(
        "a host with VGPUs apart",
        "E A E",
        admin=True,
        server={"host": "host1"},
        specs={"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"},
    ),
    case(
        "a host without VGPUs",
        "E E E",
        admin=True,
        server={"host": "host2"},
        specs={"resources1:VGPU": "1"},
    ),
    # what is shared by an aggregate
    case("a shared class", "E A E", specs={"resources:CUSTOM_POOL": "4"}),
    case("more of it than is shared", "E E E", specs={"resources:CUSTOM_POOL": "5"}),
    case("a shared class in a numbered group", "E A E", specs={"resources1:CUSTOM_POOL": "1"}),
    case(
        "a shared class and a trait of who shares it",
        "E A E",
        specs={"resources:CUSTOM_POOL": "1", "trait:CUSTOM_NEAR": "required"},
    ),
    case(
        "a shared class and a trait of the host in one group",
        "E E E",
        specs={"resources1:CUSTOM_POOL": "1", "trait1:CUSTOM_GOLD": "required"},
    ),
    case("a trait of who shares alone", "E E E", specs={"trait:CUSTOM_NEAR": "required"}),
    case(
        "a shared class with a host",
        "E E E",
        here="E A E",
        admin=True,
        server={"host": "host1"},
        specs={"resources:CUSTOM_POOL": "1"},
    ),
    case(
        "a shared class with a zone and a host",
        "E E E",
        here="E A E",
        admin=True,
        server={"availability_zone": "zone-a:host1"},
        specs={"resources:CUSTOM_POOL": "1"},
    ),
    case(
        "as much of it as is shared, by several servers",
        "E A E",
        specs={"resources:CUSTOM_POOL": "2"},
        server={"min_count": 2, "max_count": 2},
    ),
    case(
        "more of it than is shared, by several servers",
        "E E E",
        specs={"resources:CUSTOM_POOL": "2"},
        server={"min_count": 3, "max_count": 3},
    ),
)
VOLUME_CASES: tuple[Case, ...] = (
    case("a volume of a zone", "A A A", volume="zone-a"),
    case("a volume of a zone without hosts", "A A E", volume="zone-x"),
    case(
        "a volume of the zone that is asked for",
        "A A A",
        volume="zone-a",
        server={"availability_zone": "zone-a"},
    ),
    case(
        "a volume of another zone than is asked for",
        "A A 400",
        volume="zone-a",
        server={"availability_zone": "nova"},
    ),
    case(
        "a volume of the zone of a host",
        "A A A",
        admin=True,
        volume="zone-a",
        server={"availability_zone": "zone-a:host1"},
    ),
)
"""Of servers that boot from a volume of a zone; ``cross_az_attach`` is off in the strict world."""

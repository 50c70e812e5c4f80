"""What a request spec demands of a host."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from servers.hardware.errors import FlavorImageClash, WrongExtraSpec
from servers.models import RequestSpec, ServerGroup
from servers.placement.demand import Demand, ResourceGroup
from servers.placement.translate import read_demand

FLAVOR = {"vcpus": 2, "memory_mb": 2048, "root_gb": 20, "ephemeral_gb": 5, "swap": 0}
USUAL = {"VCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 25}
DEDICATED = {"PCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 25}


def spec(*, flavor: dict[str, Any] | None = None, **values: Any) -> RequestSpec:
    return RequestSpec(flavor={**FLAVOR, **(flavor or {})}, **values)


def demand(
    specs: dict[str, str] | None = None, image: dict[str, Any] | None = None, **values: Any
) -> Demand:
    return read_demand(
        spec(flavor={"extra_specs": specs or {}}, image={"properties": image or {}}, **values)
    )


def main(specs: dict[str, str] | None = None, image: dict[str, Any] | None = None) -> ResourceGroup:
    """The group without a suffix."""
    return demand(specs, image).resources.main


@pytest.fixture
def option(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def change(**values: Any) -> None:
        monkeypatch.setattr(settings, "OPTIONS", dataclasses.replace(settings.OPTIONS, **values))

    return change


@pytest.mark.parametrize(
    ("flavor", "values", "disk_gb"),
    [
        ({}, {}, 25),
        ({}, {"is_bfv": True}, 5),
        ({"swap": 1}, {}, 26),
        ({"swap": 1024}, {}, 26),
        ({"swap": 1025}, {}, 27),
        ({"extra_specs": {"resources:DISK_GB": "7"}}, {}, 7),
        ({"extra_specs": {"resources:DISK_GB": "seven"}}, {}, 25),
        ({"extra_specs": {"resources1:DISK_GB": "7"}}, {}, 7),
    ],
)
def test_disk_is_root_ephemeral_and_swap(
    flavor: dict[str, Any], values: dict[str, Any], disk_gb: int
) -> None:
    assert read_demand(spec(flavor=flavor, **values)).resources.total("DISK_GB") == disk_gb


@pytest.mark.parametrize(
    ("specs", "resources"),
    [
        ({}, USUAL),
        ({"resources:VCPU": "0", "resources:MEMORY_MB": "1"}, {"MEMORY_MB": 1, "DISK_GB": 25}),
        ({"resources:CUSTOM_LICENSE": "1"}, {**USUAL, "CUSTOM_LICENSE": 1}),
        ({"resources:VGPU": "2"}, {**USUAL, "VGPU": 2}),
        ({"resources:NO_SUCH_CLASS": "2"}, USUAL),
        ({"resources:VGPU": "-2"}, USUAL),
        ({"resources:PCPU": "2"}, DEDICATED),
        ({"hw:cpu_policy": "dedicated"}, DEDICATED),
        ({"hw:cpu_policy": "shared"}, USUAL),
        (
            {"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"},
            {**DEDICATED, "PCPU": 3},
        ),
        (
            {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "1"},
            {**USUAL, "VCPU": 1, "PCPU": 1},
        ),
        (
            {"hw:pmem": "4GB,4GB,big.one"},
            USUAL
            | {
                "CUSTOM_PMEM_NAMESPACE_4GB": 2,
                "CUSTOM_PMEM_NAMESPACE_BIG_ONE": 1,
            },
        ),
    ],
)
def test_amounts_come_from_sizes_and_extra_specs(
    specs: dict[str, str], resources: dict[str, int]
) -> None:
    assert main(specs).resources == resources


@pytest.mark.parametrize(
    ("specs", "image", "required"),
    [
        ({"hw:tpm_version": "2.0"}, {}, {"TIS", "2_0"}),
        ({"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"}, {}, {"CRB", "2_0"}),
        ({}, {"hw_tpm_version": "1.2"}, {"TIS", "1_2"}),
    ],
)
def test_a_tpm_requires_its_version_and_model(
    specs: dict[str, str], image: dict[str, str], required: set[str]
) -> None:
    asked = demand(specs, image)
    assert asked.resources.main.required == {f"COMPUTE_SECURITY_TPM_{word}" for word in required}
    assert asked.root_required == {"COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER"}


@pytest.mark.parametrize(
    ("specs", "image", "required"),
    [
        ({"os:secure_boot": "required"}, {}, "COMPUTE_SECURITY_UEFI_SECURE_BOOT"),
        ({}, {"os_secure_boot": "required"}, "COMPUTE_SECURITY_UEFI_SECURE_BOOT"),
        ({"hw:maxphysaddr_mode": "emulate"}, {}, "COMPUTE_ADDRESS_SPACE_EMULATED"),
        ({}, {"hw_maxphysaddr_mode": "passthrough"}, "COMPUTE_ADDRESS_SPACE_PASSTHROUGH"),
        (
            {},
            {"hw_firmware_type": "uefi", "hw_firmware_stateless": "yes"},
            "COMPUTE_SECURITY_STATELESS_FIRMWARE",
        ),
        ({"hw:pci_numa_affinity_policy": "socket"}, {}, "COMPUTE_SOCKET_PCI_NUMA_AFFINITY"),
        ({"trait:CUSTOM_A": "required"}, {}, "CUSTOM_A"),
        ({}, {"trait:CUSTOM_A": "required"}, "CUSTOM_A"),
    ],
)
def test_features_require_a_trait_of_who_gives_the_amounts(
    specs: dict[str, str], image: dict[str, str], required: str
) -> None:
    assert main(specs, image).required == {required}


@pytest.mark.parametrize(
    ("specs", "image"),
    [
        ({"os:secure_boot": "optional"}, {}),
        ({}, {"hw_firmware_stateless": "yes"}),
        ({"hw:pci_numa_affinity_policy": "required"}, {}),
        ({"trait:CUSTOM_A": "maybe"}, {}),
    ],
)
def test_what_is_not_required_requires_nothing(
    specs: dict[str, str], image: dict[str, str]
) -> None:
    assert main(specs, image) == main()


@pytest.mark.parametrize(
    ("policy", "kind"), [("isolate", "forbidden"), ("require", "required"), ("prefer", "")]
)
def test_a_thread_policy_asks_for_threads_or_for_none(policy: str, kind: str) -> None:
    group = main({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": policy})
    threads = {"HW_CPU_HYPERTHREADING"}
    assert group.required == (threads if kind == "required" else set())
    assert group.forbidden == (threads if kind == "forbidden" else set())


@pytest.mark.parametrize(
    ("model", "trait"),
    [
        (None, "AMD_SEV"),
        ("amd-sev", "AMD_SEV"),
        ("amd-sev-es", "AMD_SEV_ES"),
        ("amd-sev-snp", "AMD_SEV_SNP"),
        ("intel-tdx", "INTEL_TDX"),
    ],
)
def test_encrypted_memory_takes_a_context_of_the_host(model: str | None, trait: str) -> None:
    specs = {"hw:mem_encryption": "true"}
    specs |= {"hw:mem_encryption_model": model} if model else {}
    image = {"hw_firmware_type": "uefi", "hw_machine_type": "q35", "hw_firmware_stateless": "yes"}
    image["hw_video_model"] = "none"
    group = main(specs, image)
    assert group.resources == {**USUAL, "MEM_ENCRYPTION_CONTEXT": 1}
    assert f"HW_CPU_X86_{trait}" in group.required


@pytest.mark.parametrize(
    ("specs", "image", "required"),
    [
        ({"hw:virtio_packed_ring": "true"}, {}, {"COMPUTE_NET_VIRTIO_PACKED"}),
        ({"hw:sound_model": "virtio"}, {}, {"COMPUTE_SOUND_MODEL_VIRTIO"}),
        ({"hw:sound_model": "ich9"}, {}, set()),
        ({"hw:ephemeral_encryption": "true"}, {}, {"COMPUTE_EPHEMERAL_ENCRYPTION"}),
        (
            {"hw:ephemeral_encryption": "true", "hw:ephemeral_encryption_format": "luks"},
            {},
            {"COMPUTE_EPHEMERAL_ENCRYPTION", "COMPUTE_EPHEMERAL_ENCRYPTION_LUKS"},
        ),
        ({}, {"hw_ephemeral_encryption": "true"}, {"COMPUTE_EPHEMERAL_ENCRYPTION"}),
    ],
)
def test_some_features_are_asked_of_the_root(
    specs: dict[str, str], image: dict[str, str], required: set[str]
) -> None:
    assert demand(specs, image).root_required == required


def test_image_type_and_properties_count_by_option(option: Any) -> None:
    image = {"disk_format": "qcow2", "properties": {"hw_disk_bus": "scsi", "hw_vif_model": "e1000"}}
    asked = spec(image=image)
    assert read_demand(asked).root_required == set()
    option(query_placement_for_image_type_support=True, image_metadata_prefilter=True)
    assert read_demand(asked).root_required == {
        "COMPUTE_IMAGE_TYPE_QCOW2",
        "COMPUTE_STORAGE_BUS_SCSI",
        "COMPUTE_NET_VIF_MODEL_E1000",
    }
    assert (
        "COMPUTE_IMAGE_TYPE_QCOW2" not in read_demand(spec(image=image, is_bfv=True)).root_required
    )


def test_numbered_groups_keep_their_amounts_and_traits_together() -> None:
    asked = demand(
        {
            "resources1:VGPU": "1",
            "trait1:CUSTOM_FAST": "required",
            "resources_net:CUSTOM_CARD": "2",
            "trait_net:CUSTOM_SLOW": "forbidden",
            "group_policy": "isolate",
        }
    ).resources
    assert asked.main.resources == USUAL
    assert asked.groups == (
        ResourceGroup(suffix="1", resources={"VGPU": 1}, required=frozenset(["CUSTOM_FAST"])),
        ResourceGroup(
            suffix="_net", resources={"CUSTOM_CARD": 2}, forbidden=frozenset(["CUSTOM_SLOW"])
        ),
    )
    assert asked.isolate
    assert not asked.is_simple


@pytest.mark.parametrize(
    ("specs", "why"),
    [
        ({"resources1:VGPU": "1", "resources2:VGPU": "1"}, "no group_policy"),
        (
            {"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "odd"},
            "no group_policy",
        ),
        ({"trait1:CUSTOM_A": "required"}, "asks for traits but for no resources"),
        (
            {f"resources:{name}": "0" for name in ("VCPU", "MEMORY_MB", "DISK_GB")},
            "asks for no resources at all",
        ),
    ],
)
def test_some_demands_no_host_can_satisfy(specs: dict[str, str], why: str) -> None:
    assert why in (demand(specs).resources.impossible or "")


@pytest.mark.parametrize(
    "specs",
    [
        {"resources1:VGPU": "1"},
        {"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "none"},
        {"resources1:VGPU": "1", "resources2:VGPU": "0"},
    ],
)
def test_one_group_needs_no_policy(specs: dict[str, str]) -> None:
    assert demand(specs).resources.impossible is None


def test_ports_bring_groups_of_their_own() -> None:
    requests = [
        {
            "requester_id": f"port{number}",
            "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1000},
            "required_traits": ["CUSTOM_PHYSNET_2"],
            "same_subtree": ["port1", "port2"],
        }
        for number in (1, 2)
    ]
    asked = demand(requested_resources=requests).resources
    assert [group.suffix for group in asked.groups] == ["port1", "port2"]
    assert asked.groups[0].required == {"CUSTOM_PHYSNET_2"}
    assert asked.impossible is None
    assert asked.same_subtree == (frozenset(["port1", "port2"]),)


def test_dedicated_cpus_may_be_counted_as_shared_ones_elsewhere(option: Any) -> None:
    asked = demand({"hw:cpu_policy": "dedicated"})
    assert asked.fallback is not None
    assert asked.fallback.main.resources == USUAL
    assert demand({"resources:PCPU": "2"}).fallback is None
    assert demand({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "1"}).fallback is None
    option(disable_fallback_pcpu_query=True)
    assert demand({"hw:cpu_policy": "dedicated"}).fallback is None


@pytest.mark.parametrize(
    ("specs", "image", "error"),
    [
        ({"hw:tpm_version": "2.0"}, {"hw_tpm_version": "1.2"}, FlavorImageClash),
        ({"hw:tpm_version": "3.0"}, {}, WrongExtraSpec),
        ({"hw:tpm_version": "1.2", "hw:tpm_model": "tpm-crb"}, {}, WrongExtraSpec),
        ({"os:secure_boot": "required"}, {"os_secure_boot": "disabled"}, FlavorImageClash),
        ({"hw:maxphysaddr_mode": "wide"}, {}, WrongExtraSpec),
    ],
)
def test_what_is_looked_at_late_may_still_be_wrong(
    specs: dict[str, str], image: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        demand(specs, image)


@pytest.mark.parametrize(
    ("hint", "servers"),
    [(["A1", "b2"], {"a1", "b2"}), ("A1", {"a1"}), ([], set()), (None, set()), (5, set())],
)
def test_hints_name_servers(hint: Any, servers: set[str]) -> None:
    asked = read_demand(spec(scheduler_hints={"same_host": hint, "different_host": hint}))
    assert asked.near_servers == asked.apart_servers == servers


def test_force_and_destination() -> None:
    forced = read_demand(spec(force_hosts=["host1"]))
    assert forced.is_forced
    wanted = read_demand(spec(requested_destination={"host": "host1", "node": None}))
    assert not wanted.is_forced
    assert (wanted.wanted_host, wanted.wanted_node) == ("host1", None)


@pytest.mark.parametrize(
    ("policy", "rules", "limit"),
    [
        ("affinity", {}, 1),
        ("anti-affinity", {}, 1),
        ("anti-affinity", {"max_server_per_host": 3}, 3),
        ("soft-anti-affinity", {}, 1),
    ],
)
def test_the_group_of_the_spec_gives_the_rule(
    policy: str, rules: dict[str, int], limit: int
) -> None:
    asked = read_demand(spec(instance_group=ServerGroup(policy=policy, rules=rules)))
    assert asked.group is not None
    assert (asked.group.policy, asked.group.max_per_host) == (policy, limit)

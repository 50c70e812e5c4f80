"""Reads the demand of a server off its request spec: flavor, image, ports, group and hints.

Resources and traits follow ``ResourceRequest`` of nova/scheduler/utils.py, what is asked of the
root of a host's tree follows nova/scheduler/request_filter.py.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import os_traits
from django.conf import settings
from os_resource_classes import STANDARDS

from servers.hardware import (
    FlavorHardware,
    ImageProperties,
    ephemeral_encryption,
    read_image_properties,
)
from servers.hardware.cpu import (
    HYPERTHREADING,
    choose_dedicated_mask,
    choose_emulator_policy,
    choose_policy,
    choose_realtime_cpus,
    choose_thread_policy,
)
from servers.hardware.devices import choose_packed_ring, choose_sound_model
from servers.hardware.features import (
    CRB,
    TPM_2,
    choose_address_space,
    choose_tpm,
    needs_secure_boot,
    needs_stateless_firmware,
)
from servers.hardware.memory import choose_memory_encryption, choose_pmem
from servers.hardware.pci import choose_pci_numa_policy
from servers.models import RequestSpec, ServerGroup
from servers.models.provider import DISK_GB, MEMORY_MB, PCPU, VCPU
from servers.placement.demand import Demand, GroupRule, ResourceDemand, ResourceGroup
from servers.placement.fit import GuestDemand

REQUIRED, FORBIDDEN = "required", "forbidden"
GROUP_POLICY, ISOLATE = "group_policy", "isolate"
ENCRYPTION_CONTEXT = "MEM_ENCRYPTION_CONTEXT"
SPEC_KEY = re.compile(r"(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.*)")
MIB_OF_GIB = 1024

THREAD_TRAIT = {"isolate": FORBIDDEN, "require": REQUIRED}
ENCRYPTION_TRAITS = {
    "amd-sev": "HW_CPU_X86_AMD_SEV",
    "amd-sev-es": "HW_CPU_X86_AMD_SEV_ES",
    "amd-sev-snp": "HW_CPU_X86_AMD_SEV_SNP",
    "intel-tdx": "HW_CPU_X86_INTEL_TDX",
}
ADDRESS_SPACE_TRAITS = {
    "passthrough": "COMPUTE_ADDRESS_SPACE_PASSTHROUGH",
    "emulate": "COMPUTE_ADDRESS_SPACE_EMULATED",
}
IMAGE_TRAITS = {
    "hw_cdrom_bus": "COMPUTE_STORAGE_BUS",
    "hw_disk_bus": "COMPUTE_STORAGE_BUS",
    "hw_video_model": "COMPUTE_GRAPHICS_MODEL",
    "hw_vif_model": "COMPUTE_NET_VIF_MODEL",
    "hw_architecture": "HW_ARCH",
    "hw_emulation_architecture": "COMPUTE_ARCH",
    "hw_viommu_model": "COMPUTE_VIOMMU",
}
"""What the trait of an image property begins with (option ``image_metadata_prefilter``)."""
KNOWN_TRAITS = frozenset(os_traits.get_traits())


def read_demand(spec: RequestSpec, *, cell_id: int | None = None) -> Demand:
    """The demand of a server; its group is that of the spec.

    Raises:
        BadRequest: a class of ``servers.hardware.errors``, where flavor and image do not go
            together in what is looked at only now.
    """
    sources = Sources.of(spec)
    destination = spec.requested_destination or {}
    hints = spec.scheduler_hints
    resources = read_resources(sources)
    return Demand(
        resources=resources,
        fallback=_fallback(sources),
        root_required=read_root_traits(sources),
        zone=spec.availability_zone or None,
        forced_hosts=frozenset(spec.force_hosts or ()),
        forced_nodes=frozenset(spec.force_nodes or ()),
        wanted_host=destination.get("host") or None,
        wanted_node=destination.get("node") or None,
        ignored_hosts=frozenset(spec.ignore_hosts or ()),
        cell_id=cell_id,
        near_servers=_words(hints.get("same_host")),
        apart_servers=_words(hints.get("different_host")),
        group=_group_rule(spec.instance_group),
        project_id=str(spec.instance.project_id) if spec.instance_id else "",
        flavor_name=spec.flavor.get("name", ""),
        extra_specs=sources.flavor.extra_specs,
        image=sources.image,
        image_id=spec.image.get("id"),
        image_values=spec.image.get("properties") or {},
        hints=hints,
        guest=GuestDemand.from_json(
            numa_topology=spec.numa_topology,
            pci_requests=spec.pci_requests,
            network_metadata=spec.network_metadata,
        ),
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a demand is read from. ``disk_gb`` is what the flavor takes of the host's disk."""

    flavor: FlavorHardware
    image: ImageProperties
    disk_gb: int
    spec: RequestSpec

    @classmethod
    def of(cls, spec: RequestSpec) -> Sources:
        flavor = spec.flavor
        root_gb = 0 if spec.is_bfv else flavor["root_gb"]
        swap_gb = -(-flavor.get("swap", 0) // MIB_OF_GIB)
        return cls(
            flavor=FlavorHardware(
                vcpus=flavor["vcpus"],
                memory_mb=flavor["memory_mb"],
                extra_specs=flavor.get("extra_specs") or {},
            ),
            image=read_image_properties(spec.image.get("properties") or {}),
            disk_gb=root_gb + flavor.get("ephemeral_gb", 0) + swap_gb,
            spec=spec,
        )


class _Groups:
    """The groups while they are gathered; the one without a suffix is ``""``."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, int]] = {"": {}}
        self.traits: dict[str, dict[str, str]] = {"": {}}

    def add_amount(self, name: str, amount: object, suffix: str = "") -> None:
        """Nova: a class or an amount that cannot be is left out, and only logged."""
        known = name in STANDARDS or name.startswith("CUSTOM_")
        text = str(amount).strip()
        if known and text.isascii() and text.isdigit():
            self.resources.setdefault(suffix, {})[name] = int(text)

    def add_trait(self, name: str, kind: str, suffix: str = "") -> None:
        if kind in (REQUIRED, FORBIDDEN):
            self.traits.setdefault(suffix, {})[name] = kind

    def asks_for(self, *names: str) -> bool:
        return any(name in amounts for amounts in self.resources.values() for name in names)

    @property
    def suffixes(self) -> list[str]:
        return sorted((self.resources.keys() | self.traits.keys()) - {""})

    def group(self, suffix: str) -> ResourceGroup:
        traits = self.traits.get(suffix, {})
        amounts = self.resources.get(suffix, {})
        return ResourceGroup(
            suffix=suffix,
            resources={name: amount for name, amount in amounts.items() if amount},
            required=frozenset(name for name, kind in traits.items() if kind == REQUIRED),
            forbidden=frozenset(name for name, kind in traits.items() if kind == FORBIDDEN),
        )


def read_resources(sources: Sources, *, pinned: bool = True) -> ResourceDemand:
    """Every amount and trait, by group. Not ``pinned``: dedicated CPUs are counted as shared ones,
    as on hosts that do not tell them apart.
    """
    groups, specs = _Groups(), sources.flavor.extra_specs
    for key, value in specs.items():
        match = SPEC_KEY.fullmatch(key)
        if match is not None:
            add = groups.add_amount if match[1] == "resources" else groups.add_trait
            add(match[3], value, match[2] or "")
    from_flavor = len(groups.suffixes)
    for trait in sources.image.traits_required:
        groups.add_trait(trait, REQUIRED)
    if pinned:
        _add_cpus(groups, sources)
    for request in sources.spec.requested_resources:
        _add_request(groups, request)
    _add_sizes(groups, sources)
    for add_feature in FEATURES:
        add_feature(groups, sources.flavor, sources.image)
    return _finish(groups, specs.get(GROUP_POLICY), from_flavor, sources.spec)


def read_group_demand(requests: Sequence[Mapping[str, Any]]) -> ResourceDemand:
    """What groups ask for that come to a server which has all the rest, in the same order."""
    groups = _Groups()
    for request in requests:
        _add_request(groups, request)
    return ResourceDemand(
        main=ResourceGroup(),
        groups=tuple(groups.group(str(request["requester_id"])) for request in requests),
        same_subtree=_subtrees(requests),
    )


def _add_cpus(groups: _Groups, sources: Sources) -> None:
    """CPUs of their own, and what their threads ask of the host."""
    flavor, image = sources.flavor, sources.image
    policy = choose_policy(flavor, image)
    if policy in ("dedicated", "mixed"):
        dedicated = flavor.vcpus
        if policy == "mixed":
            mask = choose_dedicated_mask(flavor) or choose_realtime_cpus(flavor, image)
            dedicated = len(mask or ())
            groups.add_amount(VCPU, flavor.vcpus - dedicated)
        extra = choose_emulator_policy(flavor) == ISOLATE
        groups.add_amount(PCPU, dedicated + extra)
    thread_policy = choose_thread_policy(flavor, image) or ""
    if thread_policy in THREAD_TRAIT:
        groups.add_trait(HYPERTHREADING, THREAD_TRAIT[thread_policy])


def _add_request(groups: _Groups, request: Mapping[str, Any]) -> None:
    """What a port asks for; a group of its own."""
    suffix = request["requester_id"]
    for name, amount in request["resources"].items():
        groups.add_amount(name, amount, suffix)
    for trait in request.get("required_traits", ()):
        groups.add_trait(trait, REQUIRED, suffix)


def _add_sizes(groups: _Groups, sources: Sources) -> None:
    """The flavor's sizes, where its extra specs say nothing else."""
    if not groups.asks_for(VCPU, PCPU):
        groups.add_amount(VCPU, sources.flavor.vcpus)
    if not groups.asks_for(MEMORY_MB):
        groups.add_amount(MEMORY_MB, sources.flavor.memory_mb)
    if not groups.asks_for(DISK_GB):
        groups.add_amount(DISK_GB, sources.disk_gb)


Feature = Callable[[_Groups, FlavorHardware, ImageProperties], None]


def _add_encryption(groups: _Groups, flavor: FlavorHardware, image: ImageProperties) -> None:
    model = choose_memory_encryption(flavor, image)
    if model is not None:
        groups.add_amount(ENCRYPTION_CONTEXT, 1)
        groups.add_trait(ENCRYPTION_TRAITS[model], REQUIRED)


def _add_pmem(groups: _Groups, flavor: FlavorHardware, _: ImageProperties) -> None:
    names = [f"CUSTOM_PMEM_NAMESPACE_{label.upper()}" for label in choose_pmem(flavor)]
    for name in set(names):
        groups.add_amount(re.sub(r"[^A-Z0-9_]", "_", name), names.count(name))


def _add_tpm(groups: _Groups, flavor: FlavorHardware, image: ImageProperties) -> None:
    tpm = choose_tpm(flavor, image)
    if tpm is not None:
        model = "CRB" if tpm.model == CRB else "TIS"
        version = "2_0" if tpm.version == TPM_2 else "1_2"
        groups.add_trait(f"COMPUTE_SECURITY_TPM_{model}", REQUIRED)
        groups.add_trait(f"COMPUTE_SECURITY_TPM_{version}", REQUIRED)


def _add_pci_policy(groups: _Groups, flavor: FlavorHardware, image: ImageProperties) -> None:
    if choose_pci_numa_policy(flavor, image) == "socket":
        groups.add_trait("COMPUTE_SOCKET_PCI_NUMA_AFFINITY", REQUIRED)


def _add_secure_boot(groups: _Groups, flavor: FlavorHardware, image: ImageProperties) -> None:
    if needs_secure_boot(flavor, image):
        groups.add_trait("COMPUTE_SECURITY_UEFI_SECURE_BOOT", REQUIRED)


def _add_address_space(groups: _Groups, flavor: FlavorHardware, image: ImageProperties) -> None:
    mode = choose_address_space(flavor, image)
    if mode is not None:
        groups.add_trait(ADDRESS_SPACE_TRAITS[mode], REQUIRED)


def _add_firmware(groups: _Groups, _: FlavorHardware, image: ImageProperties) -> None:
    if needs_stateless_firmware(image):
        groups.add_trait("COMPUTE_SECURITY_STATELESS_FIRMWARE", REQUIRED)


FEATURES: tuple[Feature, ...] = (
    _add_encryption,
    _add_pmem,
    _add_tpm,
    _add_pci_policy,
    _add_secure_boot,
    _add_address_space,
    _add_firmware,
)


def _finish(
    groups: _Groups, policy: str | None, from_flavor: int, spec: RequestSpec
) -> ResourceDemand:
    main = groups.group("")
    numbered = [groups.group(suffix) for suffix in groups.suffixes]
    kept = tuple(
        group for group in numbered if group.resources or group.required or group.forbidden
    )
    named = policy if policy in ("none", ISOLATE) else None
    return ResourceDemand(
        main=main,
        groups=kept,
        isolate=named == ISOLATE,
        same_subtree=_subtrees(spec.requested_resources),
        impossible=_find_fault(main, kept, named=named is not None, from_flavor=from_flavor),
    )


def _find_fault(
    main: ResourceGroup, groups: tuple[ResourceGroup, ...], *, named: bool, from_flavor: int
) -> str | None:
    """What Placement would refuse to look for."""
    if not main.resources and not groups:
        return "it asks for no resources at all"
    if not main.resources and (main.required or main.forbidden):
        return "it requires or forbids traits, but asks for no resources beside those of groups"
    for group in groups:
        if not group.resources:
            return f"the group {group.suffix} asks for traits but for no resources"
    if len(groups) > 1 and from_flavor > 1 and not named:
        return f"it has several groups of resources and no {GROUP_POLICY}"
    return None


def _subtrees(requests: Iterable[Mapping[str, Any]]) -> tuple[frozenset[str], ...]:
    """The groups of one port come from one subtree, where the network service says so."""
    found: dict[tuple[str, ...], None] = {}
    for request in requests:
        together = tuple(request.get("same_subtree") or ())
        if together:
            found[together] = None
    return tuple(frozenset(together) for together in found)


def _fallback(sources: Sources) -> ResourceDemand | None:
    """The same without CPUs of their own, for hosts that do not tell of such CPUs."""
    if settings.OPTIONS.disable_fallback_pcpu_query:
        return None
    if choose_policy(sources.flavor, sources.image) != "dedicated":
        return None
    return read_resources(sources, pinned=False)


def read_root_traits(sources: Sources) -> frozenset[str]:
    """What the root of the host's tree must be able to do."""
    flavor, image, spec = sources.flavor, sources.image, sources.spec
    traits = set()
    if choose_packed_ring(flavor, image):
        traits.add("COMPUTE_NET_VIRTIO_PACKED")
    if choose_sound_model(flavor, image) == "virtio":
        traits.add("COMPUTE_SOUND_MODEL_VIRTIO")
    encryption = ephemeral_encryption(flavor, image)
    if encryption.enabled:
        traits.add("COMPUTE_EPHEMERAL_ENCRYPTION")
        if encryption.format:
            traits.add(f"COMPUTE_EPHEMERAL_ENCRYPTION_{encryption.format.upper()}")
    tpm = choose_tpm(flavor, image)
    if tpm is not None:
        traits.add(f"COMPUTE_SECURITY_TPM_SECRET_SECURITY_{tpm.secrets.upper()}")
    if any(_is_remote_managed(request) for request in spec.pci_requests):
        traits.add("COMPUTE_REMOTE_MANAGED_PORTS")
    return frozenset(traits | _image_type(spec) | _image_traits(image))


def _is_remote_managed(request: Mapping[str, Any]) -> bool:
    return any(str(kind.get("remote_managed")).lower() == "true" for kind in request["specs"])


def _image_type(spec: RequestSpec) -> set[str]:
    kind = spec.image.get("disk_format")
    if not settings.OPTIONS.query_placement_for_image_type_support or spec.is_bfv or not kind:
        return set()
    return {f"COMPUTE_IMAGE_TYPE_{kind.upper()}"} & KNOWN_TRAITS


def _image_traits(image: ImageProperties) -> set[str]:
    """Nova: one property without a trait, and none of them counts."""
    if not settings.OPTIONS.image_metadata_prefilter:
        return set()
    traits = {
        f"{prefix}_{value.replace('-', '_').upper()}"
        for name, prefix in IMAGE_TRAITS.items()
        if (value := getattr(image, name)) is not None
    }
    return traits if traits <= KNOWN_TRAITS else set()


def _group_rule(group: ServerGroup | None) -> GroupRule | None:
    if group is None:
        return None
    limit = (group.rules or {}).get("max_server_per_host", 1)
    return GroupRule(policy=group.policy, max_per_host=int(limit))


def _words(value: Any) -> frozenset[str]:
    """A hint is a list by now; one text in it may stand for a list of one."""
    if not isinstance(value, Iterable):
        return frozenset()
    items = [value] if isinstance(value, str) else value
    return frozenset(str(item).lower() for item in items if item)

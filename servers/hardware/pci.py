"""Which PCI devices a flavor asks for, and how near to its memory they must be
(docs/contract/create-flow.md I4).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from compute_site.values.words import LOOSE_FALSE, LOOSE_TRUE
from servers.hardware.errors import PciAliasUnknown, PciPolicyClash, WrongExtraSpec, WrongPciAlias
from servers.hardware.properties import PCI_NUMA_POLICIES, ImageProperties
from servers.hardware.sources import FlavorHardware, read_word
from servers.hardware.values import word

NUMA_POLICY = "hw:pci_numa_affinity_policy"
ALIAS = "pci_passthrough:alias"
DEFAULT_NUMA_POLICY = "legacy"

_DEVICE_ID = re.compile(r"[0-9a-fA-F]{4}")


def _read_name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 256:
        raise ValueError("give a name of 1 to 256 characters")
    return value.strip()


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("give a text")  # noqa: TRY004 - a reader raises ValueError only
    return value


def _read_device_id(value: object) -> str:
    if not isinstance(value, str) or not _DEVICE_ID.fullmatch(value):
        raise ValueError("give four hexadecimal digits as a text")
    return value


def _read_truth(value: object) -> str:
    truth = str(value).strip().lower()
    if truth not in LOOSE_TRUE | LOOSE_FALSE:
        raise ValueError("give true or false")
    return "true" if truth in LOOSE_TRUE else "false"


ALIAS_MEMBERS: Mapping[str, Callable[[object], str]] = {
    "name": _read_name,
    "capability_type": word("pci"),
    "vendor_id": _read_device_id,
    "product_id": _read_device_id,
    "device_type": word("type-PCI type-PF type-VF"),
    "numa_policy": word(PCI_NUMA_POLICIES),
    "resource_class": _read_text,
    "traits": _read_text,
    "live_migratable": _read_truth,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PciRequest:
    """``count`` devices, each of which matches one of the ``specs``."""

    alias: str
    count: int
    specs: tuple[Mapping[str, str], ...]
    numa_policy: str

    def as_json(self) -> dict[str, Any]:
        return {
            "alias": self.alias,
            "count": self.count,
            "specs": [dict(spec) for spec in self.specs],
            "numa_policy": self.numa_policy,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PciAlias:
    numa_policy: str
    specs: tuple[Mapping[str, str], ...]


def choose_pci_numa_policy(flavor: FlavorHardware, image: ImageProperties) -> str | None:
    """How near to its memory the PCI devices of a server must be, by flavor or image.

    Raises:
        PciPolicyClash: flavor and image name different policies.
        WrongExtraSpec: the flavor's policy does not exist.
    """
    asked = flavor.extra_specs.get(NUMA_POLICY)
    wanted = image.hw_pci_numa_affinity_policy
    if asked and wanted and asked != wanted:
        raise PciPolicyClash(
            f"The flavor's extra spec {NUMA_POLICY} is {asked!r} but the image property"
            f" hw_pci_numa_affinity_policy is {wanted!r}."
        )
    return read_word(flavor, NUMA_POLICY, PCI_NUMA_POLICIES) or wanted


def plan_pci_requests(
    flavor: FlavorHardware, aliases: Iterable[Mapping[str, Any]], *, numa_policy: str | None
) -> tuple[PciRequest, ...]:
    """The devices that the flavor asks for by alias; ``numa_policy`` overrides that of an alias.

    Raises:
        WrongExtraSpec: an entry that is not ``alias:count``.
        PciAliasUnknown: no definition of that name.
        WrongPciAlias: a definition cannot be used.
    """
    asked = flavor.extra_specs.get(ALIAS)
    if asked is None:
        return ()
    defined = read_aliases(aliases)
    requests = []
    for entry in asked.split(","):
        name, colon, count = (part.strip() for part in entry.partition(":"))
        if not colon or not count.isdecimal() or int(count) < 1:
            raise WrongExtraSpec(
                f"The flavor's extra spec {ALIAS} is {asked!r}: give alias:count, separated by"
                " commas."
            )
        if name not in defined:
            raise PciAliasUnknown(f"The flavor asks for the PCI alias {name!r}; none is defined.")
        requests.append(
            PciRequest(
                alias=name,
                count=int(count),
                specs=defined[name].specs,
                numa_policy=numa_policy or defined[name].numa_policy,
            )
        )
    return tuple(requests)


def read_aliases(definitions: Iterable[Mapping[str, Any]]) -> dict[str, PciAlias]:
    """The definitions by name; those of one name are alternatives for each other.

    Raises:
        WrongPciAlias: a definition cannot be used, or two of a name differ in more than the ids.
    """
    aliases: dict[str, PciAlias] = {}
    for definition in definitions:
        spec = _read_definition(definition)
        name = spec.pop("name")
        policy = spec.pop("numa_policy", DEFAULT_NUMA_POLICY)
        alias = PciAlias(numa_policy=policy, specs=(spec,))
        first = aliases.setdefault(name, alias)
        if first is alias:
            continue
        if first.numa_policy != policy:
            raise WrongPciAlias(f"The PCI alias {name!r} is defined with different NUMA policies.")
        if first.specs[0].get("device_type") != spec.get("device_type"):
            raise WrongPciAlias(f"The PCI alias {name!r} is defined with different device types.")
        aliases[name] = dataclasses.replace(first, specs=first.specs + alias.specs)
    return aliases


def _read_definition(definition: Mapping[str, Any]) -> dict[str, str]:
    spec = {}
    for member, value in definition.items():
        if member not in ALIAS_MEMBERS:
            raise WrongPciAlias(
                f"A PCI alias has the member {member!r}; known are {', '.join(ALIAS_MEMBERS)}."
            )
        try:
            spec[member] = ALIAS_MEMBERS[member](value)
        except ValueError as error:
            raise WrongPciAlias(f"A PCI alias has the {member} {value!r}: {error}.") from error
    if "name" not in spec:
        raise WrongPciAlias("A PCI alias has no name.")
    if not ({"vendor_id", "product_id"} <= spec.keys() or "resource_class" in spec):
        raise WrongPciAlias(
            f"The PCI alias {spec['name']!r} says neither vendor_id and product_id nor"
            " resource_class."
        )
    return spec

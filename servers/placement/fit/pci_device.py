"""A PCI device of a host, and which devices are free."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Self

import os_resource_classes
import os_traits

PHYSICAL_FUNCTION = "type-PF"
VIRTUAL_FUNCTION = "type-VF"
VDPA = "vdpa"
DEVICE_TYPES = ("type-PCI", PHYSICAL_FUNCTION, VIRTUAL_FUNCTION, VDPA)
FUNCTIONS_OF_A_PARENT = frozenset((VIRTUAL_FUNCTION, VDPA))
NETWORK_TYPES = FUNCTIONS_OF_A_PARENT | {PHYSICAL_FUNCTION}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PciDevice:
    """``address`` is ``domain:bus:slot.function`` in small letters."""

    address: str
    vendor_id: str
    product_id: str
    dev_type: str = "type-PCI"
    """One of ``DEVICE_TYPES``."""
    numa_node: int | None = None
    """The cell it is near; ``None`` where the hardware does not tell."""
    parent: str | None = None
    """The address of the physical function of a ``type-VF`` or ``vdpa`` device. While one of these
    is held the physical function cannot be, and the other way round."""
    physical_network: str | None = None
    trusted: bool | None = None
    """Is this function trusted by its network card? ``None``: nobody said."""
    remote_managed: bool = False
    """Is it managed by the card and not by the host? Only who asks for that gets it."""
    live_migratable: bool | None = None
    resource_class: str | None = None
    """``None``: the class that vendor and product make."""
    traits: frozenset[str] = frozenset()
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Whatever else the operator tells of it, by names of the operator's choice."""
    reserved: bool = False
    """Kept from guests."""
    held_by: str | None = None
    """The guest that has it."""

    def as_json(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "vendor_id": self.vendor_id,
            "product_id": self.product_id,
            "dev_type": self.dev_type,
            "numa_node": self.numa_node,
            "parent": self.parent,
            "physical_network": self.physical_network,
            "trusted": self.trusted,
            "remote_managed": self.remote_managed,
            "live_migratable": self.live_migratable,
            "resource_class": self.resource_class,
            "traits": sorted(self.traits),
            "tags": dict(self.tags),
            "reserved": self.reserved,
            "held_by": self.held_by,
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(**{**form, "traits": frozenset(form["traits"])})

    @property
    def owner_address(self) -> str:
        """The address of the card: of the physical function for those that have one."""
        return self.parent or self.address

    @property
    def pool_key(self) -> tuple[object, ...]:
        """The same for devices that are alike in all that a request can ask for."""
        return (
            self.owner_address,
            self.dev_type,
            self.vendor_id,
            self.product_id,
            self.numa_node,
            self.physical_network,
            self.trusted,
            self.remote_managed,
            self.live_migratable,
            self.resource_class,
            self.traits,
            tuple(self.tags.items()),
        )

    @property
    def ids(self) -> dict[str, str]:
        return {
            "vendor_id": self.vendor_id.lower(),
            "product_id": self.product_id.lower(),
            "dev_type": self.dev_type.lower(),
        }

    @property
    def given_tags(self) -> dict[str, str]:
        """What the operator tells of it, by the names that requests use."""
        tags = {
            **self.tags,
            "physical_network": self.physical_network,
            "trusted": _word(self.trusted),
            "live_migratable": _word(self.live_migratable),
            # Nova: a function of a network card is not remote-managed unless somebody says so;
            # of other devices nothing is known.
            "remote_managed": _word(
                self.remote_managed or (False if self.dev_type in NETWORK_TYPES else None)
            ),
        }
        return {name: value.lower() for name, value in tags.items() if value is not None}

    @property
    def all_traits(self) -> frozenset[str]:
        movable = {os_traits.HW_PCI_LIVE_MIGRATABLE} if self.live_migratable else set()
        return self.traits | movable

    @property
    def full_resource_class(self) -> str:
        return self.resource_class or class_of_product(self.vendor_id, self.product_id)


def _word(flag: bool | None) -> str | None:
    return None if flag is None else str(flag)


def class_of_product(vendor_id: str, product_id: str) -> str:
    return f"CUSTOM_PCI_{vendor_id}_{product_id}".upper()


def resource_class_name(name: str) -> str:
    """A standard resource class, or the custom one that a free name stands for."""
    known = name.upper()
    if known in os_resource_classes.STANDARDS or os_resource_classes.is_custom(known):
        return known
    return str(os_resource_classes.normalize_name(known))


def trait_names(names: Iterable[str]) -> frozenset[str]:
    """Standard traits, or the custom ones that free names stand for."""
    return frozenset(_trait_name(name.strip().upper()) for name in names if name.strip())


def _trait_name(name: str) -> str:
    if name in _STANDARD_TRAITS or os_traits.is_custom(name):
        return name
    return str(os_traits.normalize_name(name))


_STANDARD_TRAITS = frozenset(os_traits.get_traits())


def free_devices(devices: Iterable[PciDevice]) -> list[PciDevice]:
    """Those that a guest can get: a physical function only as a whole, and none of its functions
    while somebody has it as a whole.
    """
    listed = tuple(devices)
    held = {device.address for device in listed if device.held_by is not None}
    in_parts = {
        device.parent
        for device in listed
        if device.parent is not None and (device.reserved or device.held_by is not None)
    }
    return [
        device
        for device in listed
        if not device.reserved
        and device.address not in held
        and device.address not in in_parts
        and device.parent not in held
    ]

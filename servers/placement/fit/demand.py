"""What a guest asks of the NUMA cells and PCI devices of its host."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Self

from servers.hardware.numa import NumaTopology
from servers.hardware.pci import DEFAULT_NUMA_POLICY
from servers.hardware.values import flag
from servers.placement.fit.pci_device import resource_class_name, trait_names

REMOTE_MANAGED = "remote_managed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """One kind of device that a request takes."""

    properties: Mapping[str, str | None]
    """Values by name, in small letters; ``None``: the device must not tell of it."""
    resource_class: str | None = None
    traits: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, form: Mapping[str, str | None]) -> Self:
        """Read a spec as an alias or a port gives it."""
        properties = dict(form)
        resource_class = properties.pop("resource_class", None)
        traits = properties.pop("traits", None) or ""
        # Nova compares this word with a tag that no device has; every device here is a PCI device.
        properties.pop("capability_type", None)
        if "device_type" in properties:
            properties["dev_type"] = properties.pop("device_type")
        return cls(
            properties={
                name: None if value is None else str(value).lower()
                for name, value in properties.items()
            },
            resource_class=resource_class_name(resource_class) if resource_class else None,
            traits=trait_names(traits.split(",")),
        )

    @property
    def is_remote_managed(self) -> bool:
        return flag(self.properties.get(REMOTE_MANAGED))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """``count`` devices, each of which is of one of the kinds in ``specs``."""

    name: str
    """What they are for: the name of the alias, or the id of the port."""
    count: int
    specs: tuple[DeviceSpec, ...]
    numa_policy: str = DEFAULT_NUMA_POLICY

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        """Read a request as the request spec keeps it, of an alias or of a port."""
        return cls(
            name=form.get("alias") or form.get("requester_id") or "",
            count=form["count"],
            specs=tuple(map(DeviceSpec.from_json, form["specs"])),
            numa_policy=form.get("numa_policy") or DEFAULT_NUMA_POLICY,
        )

    def asks_for(self, dev_type: str) -> bool:
        return any(spec.properties.get("dev_type") == dev_type.lower() for spec in self.specs)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestDemand:
    numa: NumaTopology | None = None
    devices: tuple[DeviceRequest, ...] = ()
    """In the order in which they choose."""
    physnets: frozenset[str] = frozenset()
    """The physical networks of the guest's cards."""
    tunneled: bool = False
    """Is a card of the guest on a tunneled network?"""

    @classmethod
    def from_json(
        cls,
        *,
        numa_topology: Mapping[str, Any] | None,
        pci_requests: Iterable[Mapping[str, Any]] = (),
        network_metadata: Mapping[str, Any] | None = None,
    ) -> Self:
        """Read the columns of a request spec that bear these names."""
        networks = network_metadata or {}
        return cls(
            numa=NumaTopology.from_json(numa_topology) if numa_topology else None,
            devices=tuple(map(DeviceRequest.from_json, pci_requests)),
            physnets=frozenset(networks.get("physnets", ())),
            tunneled=bool(networks.get("tunneled")),
        )

"""The errors of the hardware rules for a flavor and an image.

These rules do not see the body, so that their faults name no field of it; the texts name the extra
spec or the image property instead.
"""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Forbidden


class WrongImageProperty(BadRequest):
    """An image property has an invalid value."""

    code = "wrong_image_property"


class WrongExtraSpec(BadRequest):
    """An extra spec of the flavor has an invalid value."""

    code = "wrong_extra_spec"


class FlavorImageClash(BadRequest):
    """Flavor and image ask for different things where they must agree."""

    code = "flavor_image_clash"


class WrongCpuDemand(BadRequest):
    """The CPU rules of flavor and image do not go together."""

    code = "wrong_cpu_demand"


class WrongMemoryDemand(BadRequest):
    """The memory rules of flavor and image do not go together."""

    code = "wrong_memory_demand"


class WrongNumaLayout(BadRequest):
    """CPUs and memory cannot be laid out on NUMA nodes as asked."""

    code = "wrong_numa_layout"


class WrongPciAlias(BadRequest):
    """The definition of a PCI alias in the configuration cannot be used."""

    code = "wrong_pci_alias"


class PciAliasUnknown(BadReference):
    """The flavor asks for a PCI alias that the configuration does not define."""

    code = "pci_alias_unknown"


class PciPolicyClash(Forbidden):
    """Flavor and image name different NUMA policies for PCI devices. Nova: 403, not 400."""

    code = "pci_policy_clash"

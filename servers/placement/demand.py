"""What servers ask of their host: one frozen demand, the same for all of a reservation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from servers.hardware import ImageProperties
from servers.models.provider import USUAL_CLASSES
from servers.placement.fit import GuestDemand

Names = frozenset[str]
NONE: Names = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGroup:
    """Amounts by resource class, and traits of the provider that gives them.

    A group with a suffix takes all from one provider of the host's tree. The one without takes
    each class from some provider; what gives has the required traits together, and none has a
    forbidden one.
    """

    suffix: str = ""
    resources: Mapping[str, int] = dataclasses.field(default_factory=dict)
    required: Names = NONE
    forbidden: Names = NONE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDemand:
    """``isolate``: no two groups with suffixes from one provider. The groups of each set in
    ``same_subtree`` come from providers of which one is above the others.
    """

    main: ResourceGroup
    groups: tuple[ResourceGroup, ...] = ()
    isolate: bool = False
    same_subtree: tuple[Names, ...] = ()
    impossible: str | None = None
    """Why no host can satisfy it, whatever it has."""
    shared: Names = NONE
    """Which of its resource classes and traits providers share with hosts."""

    @property
    def is_simple(self) -> bool:
        """Can the root of every tree be asked alone, for amounts that its node knows?"""
        usual = self.main.resources.keys() <= set(USUAL_CLASSES)
        return usual and not self.groups and not self.shared

    def with_shared(self, names: Names) -> ResourceDemand:
        """The same where providers share resource classes and traits of these names."""
        groups = (self.main, *self.groups)
        classes = {name for group in groups for name in group.resources} & names
        if not classes:
            return self
        traits = {name for group in groups for name in group.required} & names
        return dataclasses.replace(self, shared=frozenset(classes | traits))

    def total(self, resource_class: str) -> int:
        amount = self.main.resources.get(resource_class, 0)
        return amount + sum(group.resources.get(resource_class, 0) for group in self.groups)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """How the members of a server group lie on hosts."""

    policy: str
    max_per_host: int = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Memory MiB, disk GiB. ``fallback`` is tried where no host satisfies ``resources``."""

    resources: ResourceDemand
    fallback: ResourceDemand | None = None
    root_required: Names = NONE
    root_forbidden: Names = NONE
    zone: str | None = None
    forced_hosts: Names = NONE
    forced_nodes: Names = NONE
    wanted_host: str | None = None
    wanted_node: str | None = None
    ignored_hosts: Names = NONE
    cell_id: int | None = None
    """The only cell whose hosts will do."""
    near_servers: Names = NONE
    """Servers on whose hosts this one must lie (hint ``same_host``)."""
    apart_servers: Names = NONE
    """Servers on whose hosts this one must not lie (hint ``different_host``)."""
    group: GroupRule | None = None
    project_id: str = ""
    flavor_name: str = ""
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    image: ImageProperties = dataclasses.field(default_factory=ImageProperties)
    image_id: str | None = None
    image_values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """The properties as the image service has them."""
    hints: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    guest: GuestDemand = dataclasses.field(default_factory=GuestDemand)

    @property
    def is_forced(self) -> bool:
        """Was a host or node forced? Then only what cannot be bent is checked."""
        return bool(self.forced_hosts or self.forced_nodes)

    @property
    def required_traits(self) -> Names:
        """Those of all groups."""
        parts = (self.resources.main, *self.resources.groups)
        return frozenset().union(*(part.required for part in parts))

    @property
    def binds_hardware(self) -> bool:
        """Does it take CPUs, pages or devices one by one?"""
        return bool(self.guest.numa or self.guest.devices)

"""What the Placement API refuses. ``code`` is what its clients know an error by."""

from __future__ import annotations

from compute_site.faults import BadRequest, Conflict, NotFound


class NoSuchProvider(NotFound):
    """No resource provider has this UUID."""


class NoSuchInventory(NotFound):
    """The provider has no inventory of this class."""


class NoSuchResourceClass(NotFound):
    """No resource class has this name."""


class NoSuchTrait(NotFound):
    """No trait has this name."""


class NoAllocations(NotFound):
    """The consumer holds nothing."""


class UnknownProvider(BadRequest):
    """The body names a resource provider that does not exist."""


class UnknownReshapedProvider(UnknownProvider):
    """A reshape names a resource provider that does not exist."""

    code = "placement.resource_provider.not_found"


class UnknownResourceClass(BadRequest):
    """The request names a resource class that does not exist."""


class UnknownTrait(BadRequest):
    """The request names a trait that does not exist."""


class InventoryMissing(BadRequest):
    """The inventory that shall be changed does not exist."""


class BadTree(BadRequest):
    """The provider cannot have this parent."""


class StandardName(BadRequest):
    """A resource class or trait that every cloud has cannot be changed."""


class ConcurrentUpdate(Conflict):
    """The generation is not the one that the client has read."""

    code = "placement.concurrent_update"


class DuplicateProvider(Conflict):
    """Another provider has the name or the UUID."""

    code = "placement.duplicate_name"


class ResourceClassExists(Conflict):
    """There is such a resource class already."""


class NameInUse(Conflict):
    """A provider has the resource class or trait."""


class ProviderInUse(Conflict):
    """Consumers hold something of the provider, or a compute host needs it."""

    code = "placement.resource_provider.inuse"


class ProviderHasChildren(Conflict):
    """There are providers below this one."""

    code = "placement.resource_provider.cannot_delete_parent"


class InventoryInUse(Conflict):
    """Consumers hold something of an inventory that shall go."""

    code = "placement.inventory.inuse"


class OneInventoryInUse(InventoryInUse):
    """The same, for the URL of one inventory, where Placement has another code."""

    code = "placement.concurrent_update"


class CannotAllocate(Conflict):
    """The provider does not give this amount."""


class HeldByCompute(Conflict):
    """Compute keeps this itself; a change would make its view wrong."""

"""What can be wrong with a request for services, hosts, aggregates and zones."""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Conflict, NotFound, NotSupported

# services, hosts and aggregates


class MalformedId(BadRequest):
    """The id in the URL does not have the form of one."""

    code = "malformed_id"


class NoSuchService(NotFound):
    """No service has that id, or that host and kind."""

    code = "no_such_service"


class ServiceUnchangeable(BadRequest):
    """Only services that run servers can be changed."""

    code = "service_unchangeable"


class NothingToChange(BadRequest):
    """The body names nothing to change, or two things that exclude each other."""

    code = "nothing_to_change"


class ServiceInUse(Conflict):
    """The service runs servers, and cannot be removed while it does."""

    code = "service_in_use"


class NoSuchHypervisor(NotFound):
    """No hypervisor has that id or name."""

    code = "no_such_hypervisor"


class HypervisorMarkerNotFound(BadReference):
    """The marker is no hypervisor."""

    code = "hypervisor_marker_not_found"


class PatternAndPage(BadRequest):
    """A list was asked for by a pattern and by pages."""

    code = "pattern_and_page"


class HostDown(BadRequest):
    """The host does not answer, so that it cannot be asked."""

    code = "host_down"


class NotOfThisHost(NotSupported):
    """The driver of the host cannot do that."""

    code = "not_of_this_host"


class NoSuchHost(NotFound):
    """No host that runs servers has that name."""

    code = "no_such_host"


class NoSuchAggregate(NotFound):
    """No aggregate has that id."""

    code = "no_such_aggregate"


class AggregateExists(Conflict):
    """Another aggregate has that name."""

    code = "aggregate_exists"


class AggregateNotEmpty(BadRequest):
    """An aggregate with hosts cannot be deleted. Nova: 400."""

    code = "aggregate_not_empty"


class HostInAggregate(Conflict):
    """The host is in the aggregate already."""

    code = "host_in_aggregate"


class HostNotInAggregate(NotFound):
    """The aggregate does not have the host."""

    code = "host_not_in_aggregate"


class ZoneClash(BadRequest):
    """A host would be in two zones, or its servers would change theirs."""

    code = "zone_clash"


class HostZoneClash(Conflict):
    """``ZoneClash`` where a host is added to an aggregate or removed. Nova: 409 there."""

    code = "host_zone_clash"


class BadAuditTime(BadRequest):
    """The time in the URL is malformed, or before all periods."""

    code = "bad_audit_time"


class HostRefused(Conflict):
    """A host cannot become what is described. ``host`` is the name of its node, ``field`` the part
    of the description that is to blame.
    """

    code = "host_refused"

    def __init__(self, detail: str, *, host: str, field: str) -> None:
        super().__init__(detail, field=field)
        self.host = host


class HostNameTaken(HostRefused):
    """Another host or resource provider has the name."""

    code = "host_name_taken"


class InventoryInUse(HostRefused):
    """Servers hold more of a resource than would be left of it."""

    code = "inventory_in_use"


class HardwareInUse(HostRefused):
    """Servers lie on CPUs, pages or devices that would be gone."""

    code = "hardware_in_use"

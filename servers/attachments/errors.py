"""What can be wrong with a request to change what is attached to a server."""

from __future__ import annotations

from compute_site.faults import BadRequest, Conflict, Forbidden, NotFound, OverLimit

# shares


class NoSuchShare(NotFound):
    """The share does not exist, or the server does not have it."""

    code = "no_such_share"


class HostTakesNoShares(Conflict):
    """The host cannot hand shares to the guest."""

    code = "host_takes_no_shares"


# volumes


class VolumeNotOfOneServer(BadRequest):
    """Not exactly one server has the volume, or the server is not ready. Nova: 400."""

    code = "volume_not_of_one_server"


class SnapshotNotAssisted(BadRequest):
    """The host of the server writes no snapshots of volumes for their service."""

    code = "snapshot_not_assisted"


class NoSuchVolume(NotFound):
    """No such volume is open to the caller. Nova: 404, also where the body names it."""

    code = "no_such_volume"


class VolumeNotAttachable(BadRequest):
    """The server cannot have this volume, or not now."""

    code = "volume_not_attachable"


class DeviceNameTaken(Conflict):
    """Another disk of the server has that name."""

    code = "device_name_taken"


class MultiattachNeedsVersion(BadRequest):
    """A volume that several servers may share needs a later microversion."""

    code = "multiattach_needs_version"


class RootVolumeStays(BadRequest):
    """The server runs from this volume."""

    code = "root_volume_stays"


class AttachmentFixed(BadRequest):
    """The body would change what is fixed in an attachment."""

    code = "attachment_fixed"


class VolumeNotMigrating(Conflict):
    """Only a volume that its service is moving can be swapped for another."""

    code = "volume_not_migrating"


class HostAway(Conflict):
    """The host of the server does not answer."""

    code = "host_away"


# NICs


class ContradictoryPort(BadRequest):
    """A port and a network were both named, or an address without a network."""

    code = "contradictory_port"


class NoSuchPort(NotFound):
    """No such port is open to the caller. Nova: 404, also where the body names it."""

    code = "no_such_port"


class NoSuchNetwork(NotFound):
    """No such network is open to the caller. Nova: 404, also where the body names it."""

    code = "no_such_network"


class PortNotUsable(BadRequest):
    """The port cannot be attached to this server."""

    code = "port_not_usable"


class PortTaken(Conflict):
    """A server has the port already."""

    code = "port_taken"


class NetworkUnclear(BadRequest):
    """No network was named, and the project has none or several to choose from."""

    code = "network_unclear"


class ExternalNetworkBarred(Forbidden):
    """The caller lacks the policy rule to put a server on an external network."""

    code = "external_network_barred"


class AddressNotUsable(BadRequest):
    """The network has no such address, or none left."""

    code = "address_not_usable"


class PortLimitReached(OverLimit):
    """The project has as many ports as it may."""

    code = "port_limit_reached"


# security groups and addresses


class NoSuchSecurityGroup(NotFound):
    """The project has no such security group, or the server has it not. Nova: 404."""

    code = "no_such_security_group"


class SecurityGroupUnclear(Conflict):
    """Several security groups of the project have the name."""

    code = "security_group_unclear"


class SecurityGroupBarred(BadRequest):
    """A port of the server takes no security groups."""

    code = "security_group_barred"


class AddressNotHeld(BadRequest):
    """The server does not have that address, or cannot get one there."""

    code = "address_not_held"


class NoSuchFloatingIp(NotFound):
    """The caller holds no such floating IP. Nova: 404."""

    code = "no_such_floating_ip"


class FloatingIpElsewhere(Conflict):
    """The floating IP does not lead to this server."""

    code = "floating_ip_elsewhere"

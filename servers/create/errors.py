"""The errors of requests to create servers."""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Conflict, OverLimit

# how many, and where


class OneServerOnly(BadRequest):
    """Several servers were asked for, with a name or resource that only one server can have."""

    code = "one_server_only"


class TooManyServers(OverLimit):
    """More servers were asked for than one request may make."""

    code = "too_many_servers"


class MalformedZone(BadRequest):
    """The text of the availability zone has more parts than zone, host and node."""

    code = "malformed_zone"


class TwoDestinations(BadRequest):
    """A host or node was named twice: in the zone and by itself."""

    code = "two_destinations"


class ServerGroupNotFound(BadReference):
    """The project has no server group of that id."""

    code = "server_group_not_found"


# flavor, image and what goes into the server


class ImageRequired(BadRequest):
    """Neither an image nor a device was named."""

    code = "image_required"


# block devices


class TwoDiskForms(BadRequest):
    """Block devices were given in both forms."""

    code = "two_disk_forms"


class MalformedDisk(BadRequest):
    """The parts of a block device do not go together."""

    code = "malformed_disk"


class DiskNameTaken(BadRequest):
    """A volume has the device name of the root disk."""

    code = "disk_name_taken"


class BootOrderBroken(BadRequest):
    """The boot indexes are not 0, 1, 2, … without gap or duplicate."""

    code = "boot_order_broken"


class VolumeNotFound(BadReference):
    """No volume of that id is open to the project."""

    code = "volume_not_found"


class VolumeNotBootable(BadRequest):
    """The volume to boot from is marked as not bootable."""

    code = "volume_not_bootable"


class VolumeTypeNotFound(BadReference):
    """No volume type has that id or name."""

    code = "volume_type_not_found"


class MultiattachTooNew(BadRequest):
    """A volume that several servers may share needs a newer microversion."""

    code = "multiattach_too_new"


class ZonesDiffer(BadRequest):
    """Server and volumes would be in different zones, which this site does not allow."""

    code = "zones_differ"


class SnapshotNotFound(BadReference):
    """No snapshot of that id is open to the project."""

    code = "snapshot_not_found"


class DiskSizeRequired(BadRequest):
    """A new volume needs a size."""

    code = "disk_size_required"


class LocalDisksExceeded(BadRequest):
    """More, or larger, local disks were asked for than flavor and site allow."""

    code = "local_disks_exceeded"


# networks


class MalformedNic(BadRequest):
    """The parts of an item of ``networks`` do not go together."""

    code = "malformed_nic"


class NetworkNotFound(BadReference):
    """No network of that id is open to the project."""

    code = "network_not_found"


class NetworkWithoutSubnet(BadRequest):
    """A network without subnet has no addresses for servers."""

    code = "network_without_subnet"


class NetworkAmbiguous(Conflict):
    """No network was named, and the project has several."""

    code = "network_ambiguous"


class NoAutomaticNetwork(BadRequest):
    """The project has no network, and none can be made for it."""

    code = "no_automatic_network"


class PortNotFound(BadReference):
    """No port of that id is open to the project."""

    code = "port_not_found"


class PortInUse(Conflict):
    """The port belongs to a server already."""

    code = "port_in_use"


class PortWithoutAddress(BadRequest):
    """The port has no address, but a server needs one there."""

    code = "port_without_address"


class PortUnsupported(BadRequest):
    """The port needs a feature that the microversion or the hosts do not support."""

    code = "port_unsupported"


class AddressInUse(BadRequest):
    """Another port of the network has the address."""

    code = "address_in_use"


class PortQuotaExceeded(OverLimit):
    """The project may not have as many ports as the servers need."""

    code = "port_quota_exceeded"


class SecurityGroupNotFound(BadReference):
    """The project has no security group of that id or name."""

    code = "security_group_not_found"


class SecurityGroupAmbiguous(Conflict):
    """Several security groups of the project have that name."""

    code = "security_group_ambiguous"


class SecurityGroupsNotAlike(BadRequest):
    """Some of the security groups are stateful, and some stateless."""

    code = "security_groups_not_alike"

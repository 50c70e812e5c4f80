"""What can be wrong with requests for images, networks and extensions."""

from __future__ import annotations

from compute_site.faults import BadRequest, Forbidden, NotFound

# what older microversions have


class NoSuchNetwork(NotFound):
    """No network that the caller may see has that id."""

    code = "no_such_network"


class NoSuchGroup(NotFound):
    """The caller sees no security group of that id."""

    code = "no_such_security_group"


class NoSuchGroupRule(NotFound):
    """The caller sees no rule of that id."""

    code = "no_such_security_group_rule"


class NoGroupId(BadRequest):
    """The id is no UUID."""

    code = "no_group_id"


class UnusableGroupRule(BadRequest):
    """The parts of the rule do not fit together, or the group has it already."""

    code = "unusable_security_group_rule"


class GroupKept(BadRequest):
    """The group cannot be changed or deleted: it is in use, or the one named ``default``."""

    code = "security_group_kept"


class GroupRefused(Forbidden):
    """The network service makes no such group or rule."""

    code = "security_group_refused"


class NoSuchVolume(NotFound):
    """The caller sees no volume of that id."""

    code = "no_such_volume"


class NoSuchSnapshot(NotFound):
    """The caller sees no snapshot of that id."""

    code = "no_such_snapshot"


class VolumesOverQuota(Forbidden):
    """The project has as many volumes, snapshots or gigabytes as it may have."""

    code = "volumes_over_quota"


class NoSuchImage(NotFound):
    """No image that the caller may use has the id."""

    code = "no_such_image"


class NoSuchExtension(NotFound):
    """No part of the API has that alias."""

    code = "no_such_extension"


class NoSuchFloatingIp(NotFound):
    """The project has no floating IP of that id."""

    code = "no_such_floating_ip"


class NoSuchPool(NotFound):
    """No external network has that name or id."""

    code = "no_such_pool"


class NoFloatingIpLeft(NotFound):
    """The external network has no address left."""

    code = "no_floating_ip_left"


class AmbiguousPool(BadRequest):
    """Several external networks have that name."""

    code = "ambiguous_pool"


class FloatingIpsOverQuota(Forbidden):
    """The project has as many floating IPs as it may have."""

    code = "floating_ips_over_quota"

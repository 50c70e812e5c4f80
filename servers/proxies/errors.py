"""What can be wrong with requests for images, networks and extensions."""

from __future__ import annotations

from compute_site.faults import BadRequest, Forbidden, NotFound

# what older microversions have


class NoSuchNetwork(NotFound):
    """No network that the caller may see has that id."""

    code = "no_such_network"


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

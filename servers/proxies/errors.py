"""What can be wrong with requests for images, networks and extensions."""

from __future__ import annotations

from compute_site.faults import NotFound

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

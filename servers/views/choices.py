"""What the pages of the browsable API offer instead of ids to look up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from compute_site.caller import Caller
from compute_site.db.paging import Paging
from compute_site.neighbours import image_service, network_service
from compute_site.neighbours.image.protocol import ImageSearch
from flavors.search import FlavorSearch, list_flavors

MOST = 200
"""So many are offered of each kind."""
Choices = Sequence[tuple[str, str]]


def choices_of(caller: Caller) -> Mapping[str, Choices]:
    """Flavors, images and networks that the caller may use, by the keys of a new server."""
    paging = Paging(limit=MOST)
    flavors = list_flavors(caller, FlavorSearch(paging=paging))
    images = image_service().list_images(caller, ImageSearch(status="active", paging=paging))
    networks = list(network_service().available_networks(caller))[:MOST]
    return {
        "server.flavorRef": [(flavor.flavorid, flavor.name) for flavor in flavors],
        "server.imageRef": [(str(image.id), image.name or str(image.id)) for image in images],
        "server.networks": [
            *(('"none"', "none"), ('"auto"', "auto")),
            *((json.dumps([{"uuid": net.id}]), net.name or net.id) for net in networks),
        ],
    }

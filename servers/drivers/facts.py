"""What drivers of real hosts must know beyond the description of a guest. Each fact costs
statements, so that only those ask who need it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings

from compute_site.neighbours import image_service, network_service, volume_service
from compute_site.neighbours.image.protocol import ImageSource
from compute_site.neighbours.network.protocol import Wiring
from servers.drivers.protocol import DriverFailed, Guest

logger = logging.getLogger(__name__)


class NoImageData(DriverFailed):
    """The image has no data that a disk could be made of."""

    code = "no_image_data"


class NoVolumeData(DriverFailed):
    """There are no bytes behind a volume."""

    code = "no_volume_data"


def wiring_of(guest: Guest) -> Sequence[Wiring]:
    """How its NICs are connected, in their order."""
    return network_service().find_wiring(guest.server_id) if guest.nics else ()


def image_source(image_id: str) -> ImageSource:
    """Raises ``NoImageData``."""
    source = image_service().find_source(image_id)
    if source is None:
        raise NoImageData(
            f"The image {image_id} has no data; upload them, and build the server anew."
        )
    return source


def connection_of(volume_id: str, server_id: str, node: str) -> Mapping[str, Any]:
    """How the node reaches the bytes of a volume of the server; raises ``NoVolumeData``."""
    connection = volume_service().connect(volume_id, server_id, node)
    if connection is None:
        raise NoVolumeData(
            f"There are no bytes behind the volume {volume_id} that a host could reach."
        )
    return connection


def vendor_data() -> Mapping[str, Any]:
    """What all guests are told by the operator; nothing, where the file holds no JSON object."""
    path = settings.OPTIONS.vendor_data_file
    if path is None:
        return {}
    try:
        told = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        logger.warning("vendor_data_file: %s", error)
        return {}
    return told if isinstance(told, dict) else {}

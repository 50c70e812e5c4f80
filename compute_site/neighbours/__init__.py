"""The image, network and volume services that compute uses, each behind a protocol. A setting
chooses the implementation.

An implementation is a module that satisfies the protocol; ``local`` stores everything in its own
models.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any, cast

from django.conf import settings

from compute_site.neighbours.image.protocol import ImageService
from compute_site.neighbours.network.protocol import NetworkService
from compute_site.neighbours.volume.protocol import VolumeService


def image_service() -> ImageService:
    return cast("ImageService", _module(settings.OPTIONS.image_service))


def network_service() -> NetworkService:
    return cast("NetworkService", _module(settings.OPTIONS.network_service))


def volume_service() -> VolumeService:
    return cast("VolumeService", _module(settings.OPTIONS.volume_service))


@functools.cache
def _module(name: str) -> Any:
    """``import_module`` looks long for what it has imported before."""
    return import_module(name)

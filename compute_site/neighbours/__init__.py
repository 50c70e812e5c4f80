"""The image, network and volume services that compute uses, each behind a protocol. A setting
chooses the implementation.

An implementation is a module that satisfies the protocol; ``local`` stores everything in its own
models.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import cast

from django.conf import settings

from compute_site.neighbours.calls import check_service
from compute_site.neighbours.image.protocol import ImageService
from compute_site.neighbours.network.protocol import NetworkService
from compute_site.neighbours.volume.protocol import VolumeService


def image_service() -> ImageService:
    return cast("ImageService", _load(ImageService, settings.OPTIONS.image_service))


def network_service() -> NetworkService:
    return cast("NetworkService", _load(NetworkService, settings.OPTIONS.network_service))


def volume_service() -> VolumeService:
    return cast("VolumeService", _load(VolumeService, settings.OPTIONS.volume_service))


@cache
def _load(protocol: type, name: str) -> ModuleType:
    """Kept, as ``import_module`` looks long for what it has imported before.

    Raises:
        CannotJoin: the module cannot be used.
    """
    service = import_module(name)
    check_service(protocol, service)
    return service

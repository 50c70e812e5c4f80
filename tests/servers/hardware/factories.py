"""Flavors and images for the tables of these tests."""

from __future__ import annotations

from collections.abc import Mapping

from servers.hardware import FlavorHardware, ImageProperties, read_image_properties


def make_flavor(
    specs: Mapping[str, str] | None = None, *, vcpus: int = 4, memory_mb: int = 4096
) -> FlavorHardware:
    """A flavor of 4 CPUs and 4 GiB; a spec without a prefix is one of ``hw:``."""
    named = {key if ":" in key else f"hw:{key}": value for key, value in (specs or {}).items()}
    return FlavorHardware(vcpus=vcpus, memory_mb=memory_mb, extra_specs=named)


def make_image(properties: Mapping[str, object] | None = None) -> ImageProperties:
    return read_image_properties(properties or {})

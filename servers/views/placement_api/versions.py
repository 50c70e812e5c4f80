"""The microversions of the Placement API, which are not those of compute."""

from __future__ import annotations

from compute_site.api.microversions.header import HEADER
from compute_site.api.microversions.of_service import ServiceVersions, UnsupportedVersion
from compute_site.api.microversions.version import Microversion

SERVICE = "placement"
OLDEST = Microversion(1, 0)
NEWEST = Microversion(1, 39)
choose_version = ServiceVersions(SERVICE, OLDEST, NEWEST).choose

__all__ = ["HEADER", "NEWEST", "OLDEST", "SERVICE", "UnsupportedVersion", "choose_version"]

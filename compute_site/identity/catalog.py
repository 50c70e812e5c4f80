"""The service catalogue: which API is where."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any

REGION = "RegionOne"
INTERFACES = ("public", "internal", "admin")
SERVICES = (
    # type, name, path below the root of the site; Apache Libcloud finds services by these names
    ("identity", "keystone", "/identity"),
    ("compute", "nova", "/compute/v2.1"),
    ("placement", "placement", "/placement"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
    ("volumev3", "cinderv3", "/volume/v3"),
    ("block-storage", "cinder", "/volume/v3"),
)


@lru_cache(maxsize=64)
def catalog(root: str) -> list[dict[str, Any]]:
    """The catalogue as tokens show it; cached for each address under which the site is called."""
    return [
        {
            "id": stable_id("service", kind),
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": stable_id("endpoint", kind, interface),
                    "interface": interface,
                    "region": REGION,
                    "region_id": REGION,
                    "url": root + path,
                }
                for interface in INTERFACES
            ],
        }
        for kind, name, path in SERVICES
    ]


@lru_cache(maxsize=256)
def stable_id(*words: str) -> str:
    """An id for an entry that is not stored; it never changes, and is the same on every site."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "compute-site:" + ":".join(words)).hex

"""What texts stand for: words for true and false, UUIDs in their spellings, and addresses.

The APIs and files that are read here do not agree on either, so each set and each test has a name.
"""

from __future__ import annotations

import ipaddress
import re
import uuid

LOOSE_TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))
"""Queries, properties of images and flavors, block devices: letters of any size."""
LOOSE_FALSE = frozenset(("0", "f", "false", "off", "n", "no"))
PLAIN_TRUE = frozenset(("1", "true", "on", "yes"))
"""Options of the site and queries of the services beside compute: letters of any size."""
PLAIN_FALSE = frozenset(("0", "false", "off", "no"))
STRICT_TRUE = ("True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes")
"""Bodies of requests: as they stand here, in the order in which the schema lists them."""
STRICT_FALSE = ("False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no")

_USUAL = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX_32 = re.compile(r"[0-9a-f]{32}")


def is_canonical(text: str) -> bool:
    """Is it a UUID with hyphens and in small letters, as the APIs write it?"""
    return _CANONICAL.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Is it a UUID as Nova's schemas take it: with or without hyphens, braces and the prefix
    ``urn:uuid:``, in any case?
    """
    if _USUAL.fullmatch(text):
        return True
    plain = text.replace("urn:", "").replace("uuid:", "").strip("{}").replace("-", "").lower()
    return _HEX_32.fullmatch(plain) is not None


def parse_uuid(text: str) -> uuid.UUID | None:
    """The UUID in any spelling that Python reads; ``None`` where it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def is_portal(text: str) -> bool:
    """Is it an IP address and a port: ``192.0.2.10:3260``, ``[2001:db8::1]:3260``?"""
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        found = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return bracketed == (found.version == 6) and port.isdecimal() and 0 < int(port) < 65536

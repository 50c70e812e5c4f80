"""Reads the header by which clients ask a service for a microversion."""

from __future__ import annotations

HEADER = "OpenStack-API-Version"


def last_asked(header: str, service: str) -> str | None:
    """The last text for the service in a header such as ``compute 2.67, volume 3.59``; empty where
    the name stands alone, ``None`` where it does not stand there.
    """
    found = None
    for entry in header.split(","):
        named, *text = entry.split(None, 1)[:2] or [""]
        if named.lower() == service:
            found = text[0].strip() if text else ""
    return found

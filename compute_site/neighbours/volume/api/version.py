"""The microversion of the volume API: there is one, the first."""

from __future__ import annotations

import re

from compute_site.faults import BadRequest, NotAcceptable

VERSION_HEADER = "OpenStack-API-Version"
SERVICE = "volume"
ONLY_VERSION = "3.0"
LATEST = "latest"
FORM = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")


def check_version(header: str) -> None:
    """Check the version that the header asks this service for; others in it do not matter.

    Raises:
        BadRequest: it is no version.
        NotAcceptable: it is not served.
    """
    for part in header.split(","):
        service, *words = part.split()[:2] or [""]
        if service.lower() != SERVICE:
            continue
        asked = words[0] if words else ""
        if asked in (ONLY_VERSION, LATEST):
            continue
        if not FORM.fullmatch(asked):
            raise BadRequest(f"{asked[:40]!r} is no version such as {ONLY_VERSION}.")
        raise NotAcceptable(f"Version {asked} is not served; the only one is {ONLY_VERSION}.")

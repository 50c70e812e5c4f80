"""The microversions of the Placement API, which are not those of compute."""

from __future__ import annotations

import re

from compute_site.api.microversions.version import Microversion
from compute_site.faults import BadRequest, NotAcceptable

SERVICE = "placement"
HEADER = "OpenStack-API-Version"
OLDEST = Microversion(1, 0)
NEWEST = Microversion(1, 39)
FORM = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})", re.ASCII)


class MalformedVersion(BadRequest):
    """The asked microversion is not of the form number, dot, number."""


class UnsupportedVersion(NotAcceptable):
    """The asked microversion is not served."""


def choose_version(header: str) -> Microversion:
    """The version that the header asks for; the oldest when it asks for none.

    Raises:
        MalformedVersion: 400.
        UnsupportedVersion: 406.
    """
    text = None
    for entry in header.split(","):
        match entry.split(None, 1):
            case [service, asked] if service.lower() == SERVICE:
                text = asked.strip()
    if text is None:
        return OLDEST
    if text == "latest":
        return NEWEST
    match = FORM.fullmatch(text)
    if match is None:
        raise MalformedVersion(
            f"The version {text[:60]!r} is malformed; send a version such as 1.36, or latest."
        )
    version = Microversion(int(match[1]), int(match[2]))
    if not OLDEST <= version <= NEWEST:
        raise UnsupportedVersion(
            f"Version {version} is not served; versions {OLDEST} to {NEWEST} are."
        )
    return version

"""Ids of services and hypervisors: numbers in early microversions, UUIDs in later ones."""

from __future__ import annotations

import re
import uuid

from compute_site.api.microversions.version import Microversion
from compute_site.values.words import is_canonical, is_uuid
from servers.hosts.errors import MalformedId

UUIDS_SINCE = Microversion.parse("2.53")
WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,40}\s*", re.ASCII)
NOBODY = uuid.UUID(int=0)


def names_by_uuid(version: Microversion) -> bool:
    """Is a UUID the id, and not a number?"""
    return version >= UUIDS_SINCE


def read_number(text: str) -> int:
    """The number that names something.

    Raises:
        MalformedId: the text is no whole number.
    """
    if not WHOLE_NUMBER.fullmatch(text):
        raise MalformedId(f"{text[:60]!r} is no id: give a whole number.")
    return int(text)


def read_uuid(text: str) -> uuid.UUID:
    """The UUID that names something; one that is not written as usual names nothing.

    Raises:
        MalformedId: the text is no UUID.
    """
    if not is_uuid(text):
        raise MalformedId(f"{text[:60]!r} is no id: give a UUID.")
    return uuid.UUID(text) if is_canonical(text) else NOBODY


def read_id(text: str, version: Microversion) -> int | uuid.UUID:
    """The id in the form that the microversion has; raises ``MalformedId``."""
    return read_uuid(text) if names_by_uuid(version) else read_number(text)

"""The microversions of the volume API, and the tables that say since which there is something.

Such a table gives for a key the version that has it first; what it does not name was always there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from compute_site.api.microversions.of_service import ServiceVersions
from compute_site.api.microversions.version import Microversion

VERSIONS = ServiceVersions("volume", Microversion(3, 0), Microversion(3, 71))
Since = Mapping[str, Microversion]
ALWAYS: Since = {}


def starting(**keys_by_version: Iterable[str]) -> Since:
    """A table from ``v3_13=("group_id",)``."""
    return {
        key: Microversion.parse(word.removeprefix("v").replace("_", "."))
        for word, keys in keys_by_version.items()
        for key in keys
    }


def known_at(shown: Mapping[str, Any], table: Since, version: Microversion) -> dict[str, Any]:
    """Those of the keys that the version has."""
    oldest = VERSIONS.oldest
    return {key: shown[key] for key in shown if table.get(key, oldest) <= version}


def first_newer(keys: Iterable[str], table: Since, version: Microversion) -> str | None:
    """One of the keys that the version does not have yet."""
    found = (key for key in sorted(keys) if table.get(key, VERSIONS.oldest) > version)
    return next(found, None)


def why_newer(key: str, table: Since, version: Microversion) -> str:
    """The sentence for a client that uses the key too early."""
    return f"{key[:60]} needs microversion {table[key]} or later; asked for {version}."

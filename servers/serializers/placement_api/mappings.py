"""``mappings`` of allocations: which providers a group of the request for candidates has got."""

from __future__ import annotations

import re
from typing import Any

from compute_site.api.microversions.fields import Refused, Schema, StrictField, wrong_type
from compute_site.values.words import is_uuid

SUFFIX = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Mappings(StrictField):
    """UUIDs of providers by the suffix of a group; checked, and not kept. The providers of the
    group without a suffix may be anything, as in Placement.
    """

    def convert(self, value: Any) -> None:
        if type(value) is not dict:
            raise wrong_type("an object", value)
        if not value:
            raise Refused("give at least 1 key", code="too_short")
        for suffix, providers in value.items():
            if SUFFIX.search(suffix):
                _check(suffix, providers)

    def describe(self) -> Schema:
        listed = {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "uuid"},
        }
        return {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {SUFFIX.pattern: listed},
        }


def _check(suffix: str, providers: Any) -> None:
    if type(providers) is not list:
        raise wrong_type("a list of UUIDs", providers)
    if not providers:
        raise Refused("give at least one provider", code="too_short", field=suffix)
    for one in providers:
        if type(one) is not str or not is_uuid(one):
            raise Refused(f"{one!r:.60} is not a UUID", code="uuid", field=suffix)

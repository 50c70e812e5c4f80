"""Scheduler hints in the body of ``POST /servers`` (docs/contract/create-request.md 7)."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.containers import Either, ListOf
from compute_site.api.microversions.fields import Refused, check_storable
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Ip, Name, Text, Uuid
from compute_site.api.microversions.version import Microversion
from compute_site.values.strict_json import Unkeepable, check_keepable

PRIVATE_PREFIX = "_nova"
SINGLE_TYPES = (str, bool, int, float)


class SchedulerHints(VersionedSerializer):
    """Known hints have a form; any other is accepted."""

    unknown = "keep"
    unknown_schema = {"type": ["string", "number", "boolean", "array"]}

    group = Either(
        Uuid(),
        ListOf(Uuid(), 0, 0),
        help_text="the id of a server group; an empty list stands for none",
    )
    different_host = Either(Uuid(), ListOf(Uuid()))
    same_host = Either(Text(), ListOf(Uuid()))
    query = Text()
    target_cell = Name()
    different_cell = Either(Text(), ListOf(Text()))
    build_near_host_ip = Ip()
    cidr = Text(pattern=r"/[0-9a-f.:]+", means="is not a slash and the bits of a mask")

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, Any]:
        """Without Nova's private hints; every value is one thing or a list of things.

        Nova fails with 500 where a hint is null or an object.
        """
        kept = {key: item for key, item in values.items() if not key.startswith(PRIVATE_PREFIX)}
        for key, item in kept.items():
            check_storable(key)
            things = item if isinstance(item, list | tuple) else [item]
            if any(type(thing) not in SINGLE_TYPES for thing in things):
                raise Refused(
                    "give a text, a number, or a list of them", code="wrong_type", field=key
                )
            try:
                check_keepable(things)
            except Unkeepable as error:
                raise Refused(str(error), field=key) from None
        return {key: list(item) if isinstance(item, tuple) else item for key, item in kept.items()}

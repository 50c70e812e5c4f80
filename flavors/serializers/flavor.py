"""``/flavors``: bodies, query strings and answers."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.api.microversions.answers import (
    BOOLEAN,
    INTEGER,
    LINKS,
    NUMBER,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import (
    LARGEST_INT32,
    Boolish,
    Choice,
    Integer,
    NonNegative,
    Number,
    Refused,
    Schema,
    Size,
)
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import LooseName, Name, Printable, Text
from compute_site.api.microversions.version import Microversion
from compute_site.db.paging import Paging
from flavors.changes import FlavorOrder
from flavors.models import Flavor
from flavors.policies import SPECS_INDEX
from flavors.search import FlavorSearch

LARGEST_FLOAT = 3.40282e38
SORT_KEYS = {
    "created_at": "created_at",
    "description": "description",
    "disabled": "disabled",
    "ephemeral_gb": "ephemeral_gb",
    "flavorid": "flavorid",
    "id": "pk",
    "is_public": "is_public",
    "memory_mb": "memory_mb",
    "name": "name",
    "root_gb": "root_gb",
    "rxtx_factor": "rxtx_factor",
    "swap": "swap",
    "updated_at": "updated_at",
    "vcpu_weight": "pk",  # Nova: a column without values
    "vcpus": "vcpus",
}
SORT_KEYS_WITHOUT_RXTX = tuple(key for key in SORT_KEYS if key != "rxtx_factor")


class DiskSize(Integer):
    """0 to 2147483647, as a number or a text of digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(0, LARGEST_INT32, text=True, exact=True, pattern=r"[0-9]+", **options)


class FlavorId(Text):
    """Letters, digits, inner spaces and ``. _ -``, or a number. Nova: with 0, as with null, an id
    is generated.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            1,
            255,
            pattern=r"(?! )[a-zA-Z0-9. _-]+(?<! )",
            means="is no id of letters, digits, inner spaces and . _ -",
            **options,
        )

    def convert(self, value: Any) -> Any:
        if type(value) in (int, float):
            return str(value) if value else None
        return super().convert(value)

    def describe(self) -> Schema:
        return {**super().describe(), "type": ["string", "number"]}


class FlavorKeys(VersionedSerializer):
    """A flavor to make."""

    name = History({"2.0": LooseName(required=True), "2.1": Name(required=True)})
    flavorid = FlavorId(key="id", null=True, default=None)
    memory_mb = Size(key="ram", required=True, exact=True)
    vcpus = Size(required=True, exact=True)
    root_gb = DiskSize(key="disk", required=True)
    ephemeral_gb = DiskSize(key="OS-FLV-EXT-DATA:ephemeral", default=0)
    swap = DiskSize(default=0)
    rxtx_factor = History({"2.1": Number(0, LARGEST_FLOAT, text=True, default=1.0), "2.102": None})
    is_public = Boolish(key="os-flavor-access:is_public", default=True)
    description = History({"2.55": Printable(0, 65535, null=True, default=None)})

    def build(self, values: dict[str, Any], version: Microversion) -> FlavorOrder:
        if values.get("rxtx_factor") == 0:
            raise Refused("0 is too small", code="too_small", field="rxtx_factor")
        values["name"] = values["name"].strip()
        return FlavorOrder(**values)


class FlavorCreate(VersionedSerializer):
    """``POST /flavors``"""

    flavor = FlavorKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> FlavorOrder:
        order: FlavorOrder = values["flavor"]
        return order


class FlavorChanges(VersionedSerializer):
    """The keys of a flavor that can be changed."""

    description = Printable(0, 65535, null=True, required=True)


class FlavorUpdate(VersionedSerializer):
    """``PUT /flavors/{flavor_id}``"""

    flavor = FlavorChanges(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> str | None:
        description: str | None = values["flavor"]["description"]
        return description


class FlavorListQuery(QuerySerializer):
    """If a key is given several times, the last value counts."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    limit = NonNegative(repeat="last")
    marker = Text(repeat="last")
    is_public = Text(repeat="last")
    min_ram = Integer(text=True, key="minRam", repeat="last")
    min_disk = Integer(text=True, key="minDisk", repeat="last")
    sort_key = History(
        {
            "2.1": Choice(*SORT_KEYS, repeat="last"),
            "2.102": Choice(*SORT_KEYS_WITHOUT_RXTX, repeat="last"),
        }
    )
    sort_dir = Choice("asc", "desc", repeat="last", default="asc")
    name = History({"2.102": Text(repeat="last", help_text="A regular expression.")})

    def build(self, values: dict[str, Any], version: Microversion) -> FlavorSearch:
        return FlavorSearch(
            # Nova: an empty marker is looked up as well
            paging=dataclasses.replace(Paging.of(values), marker=values.get("marker")),
            is_public=values.get("is_public"),
            min_ram=values.get("min_ram"),
            min_disk=values.get("min_disk"),
            name=values.get("name"),
            sort_key=SORT_KEYS[values.get("sort_key", "flavorid")],
            descending=values["sort_dir"] == "desc",
        )


class FlavorQuery(QuerySerializer):
    """No keys; for one flavor and the URLs below it."""

    unknown = {"2.1": "drop", "2.102": "refuse"}


def _links(flavor: Flavor, frame: Frame) -> list[dict[str, str]]:
    return frame.links.both("flavors", flavor.flavorid)


class FlavorSummary(AnswerSerializer):
    """A flavor in the short list."""

    id = Shown(TEXT, "flavorid")
    name = Shown(TEXT)
    links = Shown(LINKS, _links)
    description = History({"2.55": Shown(TEXT_OR_NULL)})


class FlavorAnswer(AnswerSerializer):
    """A flavor."""

    id = Shown(TEXT, "flavorid")
    name = Shown(TEXT)
    ram = Shown(INTEGER, "memory_mb")
    disk = Shown(INTEGER, "root_gb")
    swap = History(
        {
            "2.1": Shown({"type": ["integer", "string"]}, lambda flavor, _: flavor.swap or ""),
            "2.75": Shown(INTEGER),
        }
    )
    ephemeral = Shown(INTEGER, "ephemeral_gb", key="OS-FLV-EXT-DATA:ephemeral")
    disabled = History({"2.1": Shown(BOOLEAN, key="OS-FLV-DISABLED:disabled"), "2.102": None})
    vcpus = Shown(INTEGER)
    is_public = Shown(BOOLEAN, key="os-flavor-access:is_public")
    rxtx_factor = History({"2.1": Shown(NUMBER), "2.102": None})
    links = Shown(LINKS, _links)
    description = History({"2.55": Shown(TEXT_OR_NULL)})
    extra_specs = History({"2.61": Shown(OBJECT, rule=SPECS_INDEX)})

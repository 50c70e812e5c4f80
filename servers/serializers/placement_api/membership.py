"""Traits and aggregates of providers, and ``/traits``: bodies, query string, answers."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection
from typing import Any

from compute_site.api.microversions.answers import INTEGER, TEXTS
from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.fields import Integer, Refused
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from servers.serializers.placement_api.fields import GENERATION, Uuids, object_of


@dataclasses.dataclass(frozen=True, slots=True)
class TraitsOrder:
    names: frozenset[str]
    generation: int


class TraitsReplace(VersionedSerializer):
    """``PUT …/traits``"""

    traits = ListOf(Text(1, 255), required=True)
    generation = Integer(key=GENERATION, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> TraitsOrder:
        return TraitsOrder(frozenset(values["traits"]), values["generation"])


TRAITS = object_of(traits=TEXTS)
TRAITS_OF_PROVIDER = object_of(traits=TEXTS, **{GENERATION: INTEGER})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TraitFilter:
    names: Collection[str] | None = None
    prefix: str | None = None
    associated: bool | None = None


class TraitQuery(QuerySerializer):
    """``GET /traits``: ``name=in:A,B`` or ``name=startswith:CUSTOM_``"""

    unknown = "refuse"

    name = Text(repeat="last")
    associated = Text(repeat="last")

    def build(self, values: dict[str, Any], version: Microversion) -> TraitFilter:
        associated = values.get("associated")
        if associated is not None and associated.lower() not in ("true", "false"):
            raise Refused("give true or false", code="choice", field="associated")
        found = TraitFilter(associated=None if associated is None else associated.lower() == "true")
        if "name" not in values:
            return found
        kind, colon, text = values["name"].partition(":")
        if not colon:
            raise Refused("give in:A,B or startswith:CUSTOM_", code="pattern", field="name")
        if kind == "in":
            return dataclasses.replace(found, names=frozenset(text.split(",")))
        return dataclasses.replace(found, prefix=text) if kind == "startswith" else found


@dataclasses.dataclass(frozen=True, slots=True)
class AggregatesOrder:
    aggregates: tuple[uuid.UUID, ...]
    generation: int | None


OLD_AGGREGATES = Uuids()
"""``PUT …/aggregates`` until 1.18: only the list."""


class AggregatesReplace(VersionedSerializer):
    """``PUT …/aggregates`` from 1.19 on."""

    aggregates = Uuids(required=True)
    generation = Integer(key=GENERATION, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> AggregatesOrder:
        return AggregatesOrder(values["aggregates"], values["generation"])


AGGREGATES = {
    "type": "object",
    "properties": {"aggregates": TEXTS, GENERATION: INTEGER},
    "required": ["aggregates"],
}

"""``/allocations`` and the like: bodies and answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from compute_site.api.microversions.answers import INTEGER, TEXT
from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.fields import Integer, Schema
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from servers.models import Allocation, ResourceProvider
from servers.placement.resources.allocations import NOBODY, ConsumerOrder
from servers.serializers.placement_api.fields import (
    GENERATION,
    Amounts,
    ByUuid,
    UuidValue,
    map_of,
    object_of,
)
from servers.serializers.placement_api.mappings import Mappings

AS_MAP = Microversion.parse("1.12")
GENERATIONS = Microversion.parse("1.28")
TYPES = Microversion.parse("1.38")
CONSUMER_TYPE = r"[A-Z0-9_]+"


class ProviderReference(VersionedSerializer):
    """A provider by its UUID."""

    uuid = UuidValue(required=True)


class OldHeld(VersionedSerializer):
    """What is held of one provider, until 1.11."""

    resource_provider = ProviderReference(required=True)
    resources = Amounts(required=True)


class HeldOfProvider(VersionedSerializer):
    """What is held of one provider; the generation is not looked at."""

    generation = Integer()
    resources = Amounts(required=True)


def _owner() -> History:
    return History({"1.8": Text(1, 255, required=True)})


class AllocationsReplace(VersionedSerializer):
    """``PUT /allocations/{consumer_id}``: what a consumer shall hold, by provider."""

    allocations = History(
        {
            "1.0": ListOf(OldHeld(), 1, required=True),
            "1.12": ByUuid(HeldOfProvider(), shortest=1, required=True),
            "1.28": ByUuid(HeldOfProvider(), required=True),
        }
    )
    project_id = _owner()
    user_id = _owner()
    generation = History({"1.28": Integer(key="consumer_generation", null=True, required=True)})
    mappings = History({"1.34": Mappings()})
    consumer_type = History(
        {
            "1.38": Text(
                *(1, 255),
                pattern=CONSUMER_TYPE,
                means="is no type of consumers, which has capital letters, digits and _",
                required=True,
            )
        }
    )

    def build(self, values: dict[str, Any], version: Microversion) -> ConsumerOrder:
        """The consumer is named elsewhere."""
        held = values["allocations"]
        if version < AS_MAP:
            by_provider = {one["resource_provider"]["uuid"]: one["resources"] for one in held}
        else:
            by_provider = {key: one["resources"] for key, one in held.items()}
        return ConsumerOrder(
            consumer=uuid.UUID(int=0),
            held=by_provider,
            project_id=values.get("project_id", NOBODY),
            user_id=values.get("user_id", NOBODY),
            checks_generation=version >= GENERATIONS,
            generation=values.get("generation"),
            consumer_type=values.get("consumer_type"),
        )


class PostedAllocations(AllocationsReplace):
    """The same in a ``POST``, where a consumer may always lose all."""

    allocations = History({"1.0": ByUuid(HeldOfProvider(), required=True)})


POSTED = ByUuid(PostedAllocations(), shortest=1)
"""``POST /allocations``: the same for several consumers."""
RESHAPED = ByUuid(PostedAllocations(), required=True)
"""The same of a reshape, which may have none."""

HELD = map_of(INTEGER)
OF_CONSUMER: Schema = {
    "type": "object",
    "properties": {
        "allocations": map_of(object_of(resources=HELD, generation=INTEGER)),
        "project_id": TEXT,
        "user_id": TEXT,
        "consumer_generation": INTEGER,
        "consumer_type": TEXT,
    },
    "required": ["allocations"],
}
OF_PROVIDER = object_of(
    allocations=map_of(
        {
            "type": "object",
            "properties": {"resources": HELD, "consumer_generation": INTEGER},
            "required": ["resources"],
        }
    ),
    **{GENERATION: INTEGER},
)


def show_of_consumer(rows: Iterable[Allocation], version: Microversion) -> dict[str, Any]:
    held: dict[str, Any] = {}
    answer: dict[str, Any] = {"allocations": held}
    for row in rows:
        provider = row.provider
        one = held.setdefault(
            str(provider.uuid), {"resources": {}, "generation": provider.generation}
        )
        one["resources"][row.resource_class] = row.amount
        answer |= _show_consumer(row, version)
    return answer


def _show_consumer(row: Allocation, version: Microversion) -> dict[str, Any]:
    consumer = row.consumer
    shown: dict[Microversion, dict[str, Any]] = {
        AS_MAP: {"project_id": consumer.project_id, "user_id": consumer.user_id},
        GENERATIONS: {"consumer_generation": consumer.generation},
        TYPES: {"consumer_type": consumer.consumer_type},
    }
    return {
        key: value
        for since, values in shown.items()
        if version >= since
        for key, value in values.items()
    }


def show_of_provider(
    provider: ResourceProvider, rows: Iterable[Allocation], version: Microversion
) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for row in rows:
        one = held.setdefault(str(row.consumer.uuid), {"resources": {}})
        one["resources"][row.resource_class] = row.amount
        if version >= GENERATIONS:
            one["consumer_generation"] = row.consumer.generation
    return {"allocations": held, GENERATION: provider.generation}

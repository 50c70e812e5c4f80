"""``/os-aggregates``: bodies and answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from compute_site.api.microversions.answers import (
    BOOLEAN,
    INTEGER,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    UUID,
    AnswerSerializer,
    Shown,
)
from compute_site.api.microversions.containers import ListOf, MapOf
from compute_site.api.microversions.fields import Refused
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import (
    Fqdn,
    LooseName,
    LooseZoneName,
    Name,
    Text,
    Uuid,
    ZoneName,
)
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from servers.hosts.aggregates import AggregateUpdate, add_host, remove_host, set_metadata
from servers.models import Aggregate
from servers.policies import aggregate as rules


@dataclasses.dataclass(frozen=True, slots=True)
class AggregateOrder:
    """An aggregate to make."""

    name: str
    zone: str | None


class AggregateKeys(VersionedSerializer):
    """An aggregate to make."""

    name = History({"2.0": LooseName(required=True), "2.1": Name(required=True)})
    zone = History(
        {
            "2.0": LooseZoneName(key="availability_zone", null=True, default=None),
            "2.1": ZoneName(key="availability_zone", null=True, default=None),
        }
    )

    def build(self, values: dict[str, Any], version: Microversion) -> AggregateOrder:
        zone: str | None = values["zone"]
        return AggregateOrder(values["name"].strip(), zone and zone.strip())


class AggregateCreate(VersionedSerializer):
    """``POST /os-aggregates``"""

    aggregate = AggregateKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> AggregateOrder:
        order: AggregateOrder = values["aggregate"]
        return order


class AggregateChanges(VersionedSerializer):
    """What is to change; at least one of both."""

    name = LooseName()
    zone = History(
        {
            "2.0": LooseZoneName(key="availability_zone", null=True),
            "2.1": ZoneName(key="availability_zone", null=True),
        }
    )

    def build(self, values: dict[str, Any], version: Microversion) -> AggregateUpdate:
        if not values:
            raise Refused("give name, availability_zone or both", code="required")
        name = values.get("name")
        return AggregateUpdate(
            name=name and name.strip(), names_zone="zone" in values, zone=values.get("zone")
        )


class AggregateChange(VersionedSerializer):
    """``PUT /os-aggregates/{id}``"""

    aggregate = AggregateChanges(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> AggregateUpdate:
        update: AggregateUpdate = values["aggregate"]
        return update


class Host(VersionedSerializer):
    """A host to add or remove."""

    host = Fqdn(required=True)


class Items(VersionedSerializer):
    """Metadata to add, to change or, by null, to remove."""

    metadata = MapOf(
        Text(0, 255, null=True),
        keys=r"[a-zA-Z0-9_:. -]{1,255}",
        means="is not 1 to 255 letters, digits, spaces and -_:.",
        required=True,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class AggregateAction:
    """What to do with an aggregate, with what, and the rule that decides on it."""

    rule: str
    act: Callable[[int, Any], Aggregate]
    argument: Any


ACTIONS: dict[str, tuple[str, Callable[[int, Any], Aggregate], str]] = {
    "add_host": (rules.ADD_HOST, add_host, "host"),
    "remove_host": (rules.REMOVE_HOST, remove_host, "host"),
    "set_metadata": (rules.SET_METADATA, set_metadata, "metadata"),
}


class AggregateActionBody(VersionedSerializer):
    """``POST /os-aggregates/{id}/action``: one of the actions."""

    add_host = Host()
    remove_host = Host()
    set_metadata = Items()

    def build(self, values: dict[str, Any], version: Microversion) -> AggregateAction:
        if len(values) != 1:
            raise Refused(f"give one of {', '.join(ACTIONS)}", code="count")
        ((name, arguments),) = values.items()
        rule, act, key = ACTIONS[name]
        return AggregateAction(rule, act, arguments[key])


class ImageReference(VersionedSerializer):
    """An image."""

    id = Uuid(required=True)


class ImagesBody(VersionedSerializer):
    """``POST /os-aggregates/{id}/images``: each image once."""

    cache = ListOf(ImageReference, 1, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> tuple[str, ...]:
        images = tuple(image["id"] for image in values["cache"])
        if len(set(images)) < len(images):
            raise Refused("an image stands twice in the list", code="duplicate", field="cache")
        return images


def _hosts(aggregate: Aggregate, _: object) -> list[str]:
    hosts = sorted(aggregate.hosts.all(), key=lambda service: service.pk)
    return [service.host for service in hosts]


class AggregateCreated(AnswerSerializer):
    """A new aggregate, which has no hosts."""

    id = Shown(INTEGER, "pk")
    uuid = History({"2.41": Shown(UUID, lambda aggregate, _: str(aggregate.uuid))})
    name = Shown(TEXT)
    availability_zone = Shown(TEXT_OR_NULL)
    created_at = Shown(TIME, lambda aggregate, _: exact_time(aggregate.created_at))
    updated_at = Shown(TIME_OR_NULL, lambda aggregate, _: exact_time(aggregate.updated_at))
    deleted = Shown(BOOLEAN, lambda *_: False)
    deleted_at = Shown(TIME_OR_NULL, lambda *_: None)


class AggregateAnswer(AggregateCreated):
    """An aggregate."""

    hosts = Shown(TEXTS, _hosts)
    metadata = Shown(OBJECT)

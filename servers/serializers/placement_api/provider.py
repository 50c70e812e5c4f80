"""``/resource_providers``: bodies, query string, answers."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    INTEGER,
    LINKS,
    TEXT,
    TEXT_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from servers.models import ResourceProvider
from servers.placement.resources.providers import NewProvider, ProviderChange, ProviderFilter
from servers.serializers.placement_api.fields import UuidValue
from servers.serializers.placement_api.filters import read_amounts, read_member_of, read_traits

MOVING = Microversion.parse("1.37")
PARENT = "parent_provider_uuid"


class ProviderCreate(VersionedSerializer):
    """``POST /resource_providers``"""

    name = Text(1, 200, required=True)
    own_id = UuidValue(key="uuid")
    above = History({"1.14": UuidValue(key=PARENT, null=True)})

    def build(self, values: dict[str, Any], version: Microversion) -> NewProvider:
        return NewProvider(
            name=values["name"], own_id=values.get("own_id"), parent=values.get("above")
        )


class ProviderUpdate(VersionedSerializer):
    """``PUT /resource_providers/{provider_id}``"""

    name = Text(1, 200, required=True)
    above = History({"1.14": UuidValue(key=PARENT, null=True)})

    def build(self, values: dict[str, Any], version: Microversion) -> ProviderChange:
        return ProviderChange(
            name=values["name"],
            names_parent="above" in values,
            parent=values.get("above"),
            may_move=version >= MOVING,
        )


class ProviderQuery(QuerySerializer):
    """``GET /resource_providers``"""

    unknown = "refuse"

    name = Text(repeat="last")
    own_id = UuidValue(key="uuid", repeat="last")
    member_of = History({"1.3": Text(repeat=True)})
    resources = History({"1.4": Text(repeat="last")})
    in_tree = History({"1.14": UuidValue(repeat="last")})
    traits = History({"1.18": Text(key="required", repeat=True)})

    def build(self, values: dict[str, Any], version: Microversion) -> ProviderFilter:
        member_of, not_in = read_member_of(values.get("member_of", ()), version, "member_of")
        required, forbidden = read_traits(values.get("traits", ()), version, "required")
        resources = values.get("resources")
        return ProviderFilter(
            name=values.get("name"),
            own_id=values.get("own_id"),
            in_tree=values.get("in_tree"),
            member_of=member_of,
            forbidden_aggregates=not_in,
            required=required,
            forbidden=forbidden,
            resources={} if resources is None else read_amounts(resources, "resources"),
        )


RELATED = {
    Microversion.parse(since): names
    for since, names in {
        "1.0": ("inventories", "usages"),
        "1.1": ("aggregates",),
        "1.6": ("traits",),
        "1.11": ("allocations",),
    }.items()
}
"""What a provider links to, by the version from which it does."""


def _links(provider: ResourceProvider, frame: Frame) -> list[dict[str, str]]:
    url = f"{frame.extra['prefix']}/resource_providers/{provider.uuid}"
    related = [name for since, names in RELATED.items() if frame.version >= since for name in names]
    return [
        {"rel": "self", "href": url},
        *({"rel": name, "href": f"{url}/{name}"} for name in related),
    ]


class ProviderAnswer(AnswerSerializer):
    """A resource provider."""

    uuid = Shown(UUID, lambda provider, _: str(provider.uuid))
    name = Shown(TEXT)
    generation = Shown(INTEGER)
    links = Shown(LINKS, _links)
    parent_provider_uuid = History(
        {
            "1.14": Shown(
                TEXT_OR_NULL,
                lambda provider, _: provider.parent and str(provider.parent.uuid),
            )
        }
    )
    root_provider_uuid = History({"1.14": Shown(UUID, lambda provider, _: str(provider.root.uuid))})

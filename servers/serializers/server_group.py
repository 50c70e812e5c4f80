"""``/os-server-groups``: bodies, query string and answers."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    OBJECT,
    TEXT,
    TEXTS,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.fields import Choice, Count
from compute_site.api.microversions.history import History
from compute_site.api.microversions.queries import PageQuery
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Name, Text
from compute_site.api.microversions.version import Microversion
from compute_site.values.strict_json import LARGEST_NUMBER
from servers.models import ServerGroup
from servers.models.server_group import Policy
from servers.server_groups import ServerGroupOrder, ServerGroupSearch

HARD = (Policy.ANTI_AFFINITY.value, Policy.AFFINITY.value)


class Rules(VersionedSerializer):
    """What a policy allows."""

    max_server_per_host = Count(LARGEST_NUMBER, exact=True)


class ServerGroupKeys(VersionedSerializer):
    """A server group to make."""

    name = Name(required=True)
    policies = History(
        {
            "2.1": ListOf(Choice(*HARD), 1, 1, required=True),
            "2.15": ListOf(Choice(*Policy.values), 1, 1, required=True),
            "2.64": None,
        }
    )
    policy = History({"2.64": Choice(*Policy.values, required=True)})
    rules = History({"2.64": Rules(default={})})

    def build(self, values: dict[str, Any], version: Microversion) -> ServerGroupOrder:
        policies = values.get("policies")
        return ServerGroupOrder(
            name=values["name"],
            policy=policies[0] if policies else values["policy"],
            rules=values.get("rules", {}),
        )


class ServerGroupCreate(VersionedSerializer):
    """``POST /os-server-groups``"""

    server_group = ServerGroupKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> ServerGroupOrder:
        order: ServerGroupOrder = values["server_group"]
        return order


class ServerGroupListQuery(PageQuery):
    """Nova: ``all_projects`` counts whatever its value is."""

    all_projects = Text(repeat="last")

    def build(self, values: dict[str, Any], version: Microversion) -> ServerGroupSearch:
        return ServerGroupSearch(
            all_projects="all_projects" in values, limit=values["limit"], offset=values["offset"]
        )


def _members(group: ServerGroup, frame: Frame) -> list[str]:
    members: list[str] = frame.extra["members"][group.pk]
    return members


class ServerGroupAnswer(AnswerSerializer):
    """A server group. The frame's extra holds the members by the group's key."""

    id = Shown(UUID, lambda group, _: str(group.uuid))
    name = Shown(TEXT)
    policies = History({"2.1": Shown(TEXTS, lambda group, _: [group.policy]), "2.64": None})
    metadata = History({"2.1": Shown(OBJECT, lambda *_: {}), "2.64": None})
    policy = History({"2.64": Shown(TEXT)})
    rules = History({"2.64": Shown(OBJECT)})
    members = Shown(TEXTS, _members)
    project_id = History({"2.13": Shown(TEXT)})
    user_id = History({"2.13": Shown(TEXT)})

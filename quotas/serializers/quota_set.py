"""``/os-quota-sets``: the limits of a project or user."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from compute_site.api.microversions.answers import (
    INTEGER,
    TEXT,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import Boolish
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from quotas.serializers.resources import FILES, NETWORK, LimitValue, with_resources

UNTIL = {**dict.fromkeys(NETWORK, "2.36"), **dict.fromkeys(FILES, "2.57")}
DETAIL = {
    "type": "object",
    "properties": {"limit": INTEGER, "in_use": INTEGER, "reserved": INTEGER},
    "required": ["limit", "in_use", "reserved"],
}


@dataclasses.dataclass(frozen=True, slots=True)
class LimitChange:
    """Limits to set, by resource; ``force`` sets them without a check of the usage."""

    limits: Mapping[str, int]
    force: bool


class QuotaSetKeys(VersionedSerializer):
    """The limits to set; those that are left out stay as they are."""

    force = Boolish(default=False, help_text="Set limits even below what is in use.")


class QuotaSetUpdate(VersionedSerializer):
    """``PUT /os-quota-sets/{project_id}``"""

    quota_set = with_resources(QuotaSetKeys, lambda _: LimitValue(), until=UNTIL)(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> LimitChange:
        limits = dict(values["quota_set"])
        return LimitChange(force=limits.pop("force"), limits=limits)


class UserQuery(QuerySerializer):
    """Nova: if several users are given, the first counts."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    user_id = Text(0, 255, repeat=True, default=("",))

    def build(self, values: dict[str, Any], version: Microversion) -> str:
        user_id: str = values["user_id"][0]
        return user_id


class LastUserQuery(UserQuery):
    """Nova: where usage is shown, the last one counts."""

    def build(self, values: dict[str, Any], version: Microversion) -> str:
        user_id: str = values["user_id"][-1]
        return user_id


def limit_of(resource: str) -> Shown:
    """The limit of a resource, from a mapping of limits."""

    def get(limits: Mapping[str, int], _frame: Frame) -> int:
        return limits[resource]

    return Shown(INTEGER, get)


def detail_of(resource: str) -> Shown:
    """Limit and usage of a resource, from a mapping of limits and the frame's ``usage`` and
    ``reserved``.
    """

    def get(limits: Mapping[str, int], frame: Frame) -> dict[str, int]:
        in_use, reserved = frame.extra["usage"][resource], frame.extra["reserved"][resource]
        return {"limit": limits[resource], "in_use": in_use, "reserved": reserved}

    return Shown(DETAIL, get)


def _id(_limits: Mapping[str, int], frame: Frame) -> str:
    owner: str = frame.extra["id"]
    return owner


class Limits(AnswerSerializer):
    """Limits without an id."""


class NamedLimits(AnswerSerializer):
    """Limits with the id of the project or class, from the frame's ``id``."""

    id = Shown(TEXT, _id)


QuotaSetChanged = with_resources(Limits, limit_of, until=UNTIL)
QuotaSetAnswer = with_resources(NamedLimits, limit_of, until=UNTIL)
QuotaSetDetail = with_resources(NamedLimits, detail_of, until=UNTIL)

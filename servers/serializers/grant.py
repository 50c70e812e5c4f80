"""``/servers/{id}/grants``: body and answer."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import TEXT, TEXTS, AnswerSerializer, Shown
from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion

MOST_RULES = 200


class GrantKeys(VersionedSerializer):
    """Names of policy rules."""

    rules = ListOf(Text(), 1, MOST_RULES, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> tuple[str, ...]:
        return tuple(values["rules"])


class GrantChange(VersionedSerializer):
    """``PUT /servers/{id}/grants/{user}``"""

    grant = GrantKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> tuple[str, ...]:
        rules: tuple[str, ...] = values["grant"]
        return rules


class GrantAnswer(AnswerSerializer):
    """What a user holds on a server."""

    user_id = Shown(TEXT)
    user_name = Shown(TEXT)
    rules = Shown(TEXTS)

"""The history of a server with its durations: the query string and the answer. An addition to Nova,
in all versions.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from compute_site.api.microversions.answers import (
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    AnswerSerializer,
    Shown,
)
from compute_site.api.microversions.fields import NonNegative
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from servers.lifecycle.action_log import ActionQuery
from servers.policies import instance_action as rules

USUAL_NUMBER = 50


class HistoryQuery(QuerySerializer):
    """The query string; the result is an ``ActionQuery``."""

    unknown = "refuse"

    limit = NonNegative(help_text=f"so many actions at most, the newest; {USUAL_NUMBER} without it")
    marker = Text(help_text="the request id of the last action that was read")

    def build(self, values: dict[str, Any], _version: Microversion) -> ActionQuery:
        most = min(values.get("limit", USUAL_NUMBER), settings.OPTIONS.max_page_size)
        return ActionQuery(limit=most, marker=values.get("marker"))


class StepAnswer(AnswerSerializer):
    """A step of an action."""

    step = Shown(TEXT)
    host = Shown(TEXT_OR_NULL, rule=rules.EVENTS)
    start_time = Shown(TIME, lambda span, _: exact_time(span.begin))
    finish_time = Shown(TIME_OR_NULL, lambda span, _: exact_time(span.end))
    duration = Shown(NUMBER, lambda span, _: round(span.seconds, 6))


class HistoryAnswer(AnswerSerializer):
    """An action with its steps."""

    action = Shown(TEXT)
    request_id = Shown(TEXT)
    user_id = Shown(TEXT_OR_NULL, lambda action, _: action.user_id or None)
    project_id = Shown(TEXT_OR_NULL, lambda action, _: action.project_id or None)
    result = Shown(TEXT_OR_NULL)
    start_time = Shown(TIME, lambda span, _: exact_time(span.begin))
    finish_time = Shown(TIME_OR_NULL, lambda span, _: exact_time(span.end))
    duration = Shown(NUMBER, lambda span, _: round(span.seconds, 6))
    steps = Shown([StepAnswer])

"""What was asked of a server: the query string and the answers."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from compute_site.api.microversions.answers import (
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT, NonNegative, Refused
from compute_site.api.microversions.history import History
from compute_site.api.microversions.queries import Time
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from servers.lifecycle.action_log import ActionQuery
from servers.models import InstanceAction, InstanceActionEvent
from servers.policies import instance_action as rules
from servers.serializers.server import host_id

PAGED = Microversion.parse("2.58")
DELETED_TOO = Microversion.parse("2.21")
EVENTS_FOR_ALL = Microversion.parse("2.51")


def tells_of_deleted(version: Microversion) -> bool:
    """Are the actions of deleted servers shown?"""
    return version >= DELETED_TOO


class ActionListQuery(QuerySerializer):
    """The query string; the result is an ``ActionQuery``."""

    unknown = {"2.1": "drop", "2.58": "refuse"}

    limit = History({"2.58": NonNegative()})
    marker = History({"2.58": Text()})
    changes_since = History({"2.58": Time(key="changes-since")})
    changes_before = History({"2.66": Time(key="changes-before")})

    def build(self, values: dict[str, Any], version: Microversion) -> ActionQuery:
        since, before = values.get("changes_since"), values.get("changes_before")
        if since and before and before < since:
            raise Refused("lies before changes-since", field="changes-before")
        if version >= PAGED:
            most = settings.OPTIONS.max_page_size
            values["limit"] = min(values.get("limit", most), most)
        return ActionQuery(**values)


class ActionAnswer(AnswerSerializer):
    """An action in a list. The frame's extra holds the server's id."""

    action = Shown(TEXT)
    instance_uuid = Shown(UUID, lambda _, frame: frame.extra["server_id"])
    request_id = Shown(TEXT)
    user_id = Shown(TEXT_OR_NULL, lambda action, _: action.user_id or None)
    project_id = Shown(TEXT_OR_NULL, lambda action, _: action.project_id or None)
    start_time = Shown(TIME, lambda action, _: exact_time(action.start_time))
    message = Shown(TEXT_OR_NULL)
    updated_at = History({"2.58": Shown(TIME, lambda action, _: exact_time(action.updated_at))})


def _host_id(event: InstanceActionEvent, frame: Frame) -> str:
    return host_id(frame.extra["project_id"], event.host) if event.host else ""


class EventAnswer(AnswerSerializer):
    """A step of an action. The frame's extra holds the project that the host is hidden from."""

    event = Shown(TEXT)
    start_time = Shown(TIME, lambda event, _: exact_time(event.start_time))
    finish_time = Shown(TIME_OR_NULL, lambda event, _: exact_time(event.finish_time))
    result = Shown(TEXT_OR_NULL)
    traceback = Shown(TEXT_OR_NULL, rule=rules.EVENTS)
    host = History({"2.62": Shown(TEXT_OR_NULL, rule=rules.EVENTS)})
    host_id = History({"2.62": Shown(TEXT, _host_id, key="hostId")})
    details = History({"2.84": Shown(TEXT_OR_NULL, rule=rules.EVENTS_DETAILS)})


def _events(action: InstanceAction, frame: Frame) -> Any:
    if frame.version < EVENTS_FOR_ALL and not frame.caller.may(rules.EVENTS):
        return ABSENT
    return EventAnswer.show_all(action.events.all(), frame)


class ActionShown(ActionAnswer):
    """An action by itself, with its steps, the newest first."""

    events = Shown({"type": "array", "items": {"type": "object"}}, _events, optional=True)

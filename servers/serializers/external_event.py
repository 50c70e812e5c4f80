"""Events that other services tell of: as they come, and as they are answered."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    INTEGER,
    TEXT,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.fields import ABSENT, Choice
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text, Uuid
from compute_site.api.microversions.version import Microversion
from servers.attachments.external_events import ACCEPTED, ExternalEvent

NAMES = (
    "network-changed",
    "network-vif-plugged",
    "network-vif-unplugged",
    "network-vif-deleted",
    "volume-extended",
    "power-update",
    "accelerator-request-bound",
    "volume-reimaged",
)


def _name(count: int) -> Choice:
    """The first ``count`` of the names; microversions added the others one by one."""
    return Choice(*NAMES[:count], required=True)


class Event(VersionedSerializer):
    name = History(
        {"2.1": _name(4), "2.51": _name(5), "2.76": _name(6), "2.82": _name(7), "2.93": _name(8)}
    )
    server_id = Uuid(key="server_uuid", required=True)
    status = Choice("failed", "completed", "in-progress")
    tag = Text(0, 255)

    def build(self, values: dict[str, Any], version: Microversion) -> ExternalEvent:
        values.pop("status", None)  # nobody looks at it
        return ExternalEvent(**values)


class EventsTold(VersionedSerializer):
    """The body; the result is a list of ``ExternalEvent``."""

    events = ListOf(Event, 1, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> list[ExternalEvent]:
        events: list[ExternalEvent] = values["events"]
        return events


def _tag(pair: tuple[ExternalEvent, int], _frame: Frame) -> Any:
    return ABSENT if pair[0].tag is None else pair[0].tag


class EventAnswer(AnswerSerializer):
    """An event and its code."""

    name = Shown(TEXT, lambda pair, _: pair[0].name)
    server_uuid = Shown(UUID, lambda pair, _: pair[0].server_id)
    tag = Shown(TEXT, _tag, optional=True)
    status = Shown(TEXT, lambda pair, _: "completed" if pair[1] == ACCEPTED else "failed")
    code = Shown(INTEGER, lambda pair, _: pair[1])

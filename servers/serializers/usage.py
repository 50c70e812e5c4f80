"""``/os-simple-tenant-usage``: query strings and answers."""

from __future__ import annotations

import datetime as dt
from typing import Any

from compute_site.api.microversions.answers import (
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    TIME_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT, NonNegative, Refused, Schema
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from compute_site.db.paging import Paging
from servers.usage_report import ProjectUsage, UsageSearch

PAGED = Microversion.parse("2.40")
FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f")


def is_paged(version: Microversion) -> bool:
    """Do the answers link to the next page?"""
    return version >= PAGED


def _time(values: dict[str, Any], key: str) -> dt.datetime | None:
    """Nova: of several the first one counts, and a blank one is none."""
    texts = [text for text in values.get(key, ()) if text]
    if not texts:
        return None
    for form in FORMS:
        try:
            return dt.datetime.strptime(texts[0], form).replace(tzinfo=dt.UTC)
        except ValueError:
            continue
    raise Refused(f"{texts[0]!r:.60} is not a time such as 2026-01-31T12:00:00", field=key)


class UsageQuery(QuerySerializer):
    """The period, and from 2.40 on the page."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    start = Text(repeat=True)
    end = Text(repeat=True)
    limit = History({"2.40": NonNegative(repeat="last")})
    marker = History({"2.40": Text(repeat="last")})

    def build(self, values: dict[str, Any], version: Microversion) -> UsageSearch:
        return UsageSearch(
            start=_time(values, "start"),
            end=_time(values, "end"),
            paging=Paging.of(values),
            detailed=values.get("detailed", ("0",))[0] == "1",
        )


class UsageListQuery(UsageQuery):
    """``UsageQuery`` with ``detailed``: 1 shows each server."""

    detailed = Text(repeat=True)


class ServerUsageAnswer(AnswerSerializer):
    """What a server took."""

    instance_id = Shown(UUID)
    name = Shown(TEXT)
    tenant_id = Shown(TEXT, "project_id")
    flavor = Shown(TEXT)
    vcpus = Shown(INTEGER)
    memory_mb = Shown(INTEGER)
    local_gb = Shown(INTEGER)
    started_at = Shown(TIME, lambda usage, _: exact_time(usage.started_at))
    ended_at = Shown(TIME_OR_NULL, lambda usage, _: exact_time(usage.ended_at))
    state = Shown(TEXT)
    hours = Shown(NUMBER)
    uptime = Shown(INTEGER)


SERVER_USAGES: Schema = {"type": "array", "items": {"type": "object"}}


def _servers(usage: ProjectUsage, frame: Frame) -> Any:
    if not frame.extra["detailed"]:
        return ABSENT
    return ServerUsageAnswer.show_all(usage.servers, frame)


class ProjectUsageAnswer(AnswerSerializer):
    """What a project took. The frame's extra says whether its servers are shown."""

    tenant_id = Shown(TEXT, "project_id")
    start = Shown(TIME, lambda usage, _: exact_time(usage.start))
    stop = Shown(TIME, lambda usage, _: exact_time(usage.stop))
    total_hours = Shown(NUMBER, "hours")
    total_vcpus_usage = Shown(NUMBER, "vcpus")
    total_memory_mb_usage = Shown(NUMBER, "memory_mb")
    total_local_gb_usage = Shown(NUMBER, "local_gb")
    server_usages = Shown(SERVER_USAGES, _servers, optional=True)

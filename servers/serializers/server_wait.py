"""The query string with which a client waits for a server; an addition to Nova, in all versions."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings

from compute_site.api.microversions.fields import Refused, Schema, StrictField
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import shorten
from compute_site.api.microversions.version import Microversion
from servers.read.waiting import STATUSES, StatusWanted

DELETED = "deleted"
STATUS = "status:"
USUAL_SECONDS = 30
EXAMPLE = "status:ACTIVE,ERROR"
DIGITS = re.compile(r"[0-9]{1,9}")


class _Statuses(StrictField):
    """``status:ACTIVE,ERROR``, or ``deleted``; the result is a set, empty for the latter."""

    def convert(self, value: Any) -> frozenset[str]:
        if value == DELETED:
            return frozenset()
        kind, words = value[: len(STATUS)], value[len(STATUS) :]
        if kind != STATUS:
            raise Refused(f"give {EXAMPLE} or {DELETED}, not {shorten(value)}", code="choice")
        statuses = frozenset(words.split(","))
        unknown = sorted(statuses - set(STATUSES))
        if unknown:
            known = ", ".join(STATUSES)
            raise Refused(f"{shorten(unknown[0])} is not one of {known}", code="choice")
        return statuses

    def describe(self) -> Schema:
        words = "|".join(STATUSES)
        return {"type": "string", "pattern": f"^({DELETED}|{STATUS}({words})(,({words}))*)$"}


class _Seconds(StrictField):
    """A text; ``ServerWaitQuery`` reads it where something is waited for."""

    def convert(self, value: Any) -> str:
        return str(value)

    def describe(self) -> Schema:
        return {"type": "integer", "minimum": 0}


class ServerWaitQuery(QuerySerializer):
    """The result is a ``StatusWanted``, or ``None`` where nothing is waited for."""

    unknown = {"2.1": "drop", "2.102": "refuse"}

    wait = _Statuses(
        help_text=f"{EXAMPLE}: answer as soon as the server has one of these statuses; {DELETED}: "
        "answer 404 as soon as it is gone. After the timeout the answer is the server as it is."
    )
    timeout = _Seconds(help_text=f"seconds; {USUAL_SECONDS} without it")

    def build(self, values: dict[str, Any], _version: Microversion) -> StatusWanted | None:
        if "wait" not in values:
            return None
        return StatusWanted(values["wait"], _read_seconds(values.get("timeout")))


def _read_seconds(text: str | None) -> int:
    most = settings.OPTIONS.max_wait_seconds
    if text is None:
        return min(USUAL_SECONDS, most)
    if not DIGITS.fullmatch(text):
        raise Refused(f"{shorten(text)} is no number of seconds", code="type", field="timeout")
    if int(text) > most:
        raise Refused(f"{int(text)} is more than {most}", code="too_large", field="timeout")
    return int(text)

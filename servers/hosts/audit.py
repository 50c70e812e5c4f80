"""The audits of how servers were used, period by period. In Nova a host sends them as notifications
if it is configured to; the hosts here never do.

Nova: only the services in the database of its API count as hosts to wait for, and where hosts are
in cells, as everywhere now, none is there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from servers.hosts.errors import BadAuditTime

FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


@dataclasses.dataclass(frozen=True, slots=True)
class AuditLog:
    """One period. No host is audited, so that none is missing."""

    beginning: dt.datetime
    ending: dt.datetime


def read_audit_log(before: str | None = None) -> AuditLog:
    """The last whole month before the time, or before now.

    Raises:
        BadAuditTime: the text is no time, or nothing was before it.
    """
    time = dt.datetime.now(dt.UTC).replace(tzinfo=None) if before is None else _parse(before)
    ending = time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        if ending == time:
            ending = _month_before(ending)
        beginning = _month_before(ending)
    except OverflowError:
        raise BadAuditTime(f"There is no month before {before}.") from None
    return AuditLog(beginning, ending)


def _parse(text: str) -> dt.datetime:
    for form in FORMS:
        try:
            return dt.datetime.strptime(text, form)  # noqa: DTZ007 - all times here are UTC
        except ValueError:
            continue
    raise BadAuditTime(f"{text[:64]!r} is not a time such as 2026-01-31 12:00:00.")


def _month_before(month: dt.datetime) -> dt.datetime:
    return (month - dt.timedelta(days=1)).replace(day=1)

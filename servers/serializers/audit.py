"""What hosts have told of the use of their servers, in answers."""

from __future__ import annotations

from compute_site.api.microversions.answers import (
    INTEGER,
    OBJECT,
    TEXT,
    TEXTS,
    AnswerSerializer,
    Frame,
    Getter,
    Shown,
)
from servers.hosts.audit import AuditLog


def _none(_log: AuditLog, _frame: Frame) -> int:
    return 0


def _count(log: AuditLog, _frame: Frame) -> int:
    return len(log.missing)


def _status(log: AuditLog, _frame: Frame) -> str:
    return f"{f'0 of {len(log.missing)}' if log.missing else 'ALL'} hosts done. 0 errors."


def _time(name: str) -> Getter:
    return lambda log, _frame: str(getattr(log, name))


class AuditLogAnswer(AnswerSerializer):
    """One period. Every host is missing: none tells anything."""

    period_beginning = Shown(TEXT, _time("beginning"))
    period_ending = Shown(TEXT, _time("ending"))
    num_hosts = Shown(INTEGER, _count)
    num_hosts_done = Shown(INTEGER, _none)
    num_hosts_running = Shown(INTEGER, _none)
    num_hosts_not_run = Shown(INTEGER, _count)
    hosts_not_run = Shown(TEXTS, "missing")
    total_instances = Shown(INTEGER, _none)
    total_errors = Shown(INTEGER, _none)
    overall_status = Shown(TEXT, _status)
    log = Shown(OBJECT, lambda _log, _frame: {})

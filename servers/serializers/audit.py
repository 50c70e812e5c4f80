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


def _time(name: str) -> Getter:
    return lambda log, _frame: str(getattr(log, name))


class AuditLogAnswer(AnswerSerializer):
    """One period, in which all hosts that are audited are done: none is."""

    period_beginning = Shown(TEXT, _time("beginning"))
    period_ending = Shown(TEXT, _time("ending"))
    num_hosts = Shown(INTEGER, _none)
    num_hosts_done = Shown(INTEGER, _none)
    num_hosts_running = Shown(INTEGER, _none)
    num_hosts_not_run = Shown(INTEGER, _none)
    hosts_not_run = Shown(TEXTS, lambda _log, _frame: [])
    total_instances = Shown(INTEGER, _none)
    total_errors = Shown(INTEGER, _none)
    overall_status = Shown(TEXT, lambda _log, _frame: "ALL hosts done. 0 errors.")
    log = Shown(OBJECT, lambda _log, _frame: {})

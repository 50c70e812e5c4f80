"""Writes the history of what needs no host: done as soon as it is asked."""

from __future__ import annotations

from compute_site.caller import Caller
from servers.build.records import SUCCESS, begin_action, finish_event
from servers.models import Instance


def log_action(caller: Caller, instance: Instance, action: str, event: str) -> None:
    """An action with its one event, begun and ended."""
    begin_action(instance, action, event, caller)
    finish_event(instance.pk, event, result=SUCCESS)

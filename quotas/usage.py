"""Reads what is in use: by a project from its counters, by a user from what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from quotas.models import Usage
from quotas.resources import RESOURCES


class UserCounter(Protocol):
    """Counts what a user has in a project, by resource."""

    def __call__(self, project_id: str, user_id: str) -> Mapping[str, int]: ...


_counters: list[UserCounter] = []


def count_users_with(counter: UserCounter) -> None:
    """Whoever keeps the things that are limited says here how a user's are counted."""
    if counter not in _counters:
        _counters.append(counter)


def project_usage(project_id: str) -> dict[str, int]:
    """What a project uses of every resource; 0 for those that are not counted (one statement)."""
    rows = Usage.objects.filter(project=project_id).values_list("resource", "in_use")
    return {**dict.fromkeys(RESOURCES, 0), **dict(rows)}


def user_usage(project_id: str, user_id: str) -> dict[str, int]:
    """What a user uses of every resource in a project; 0 for those that are not counted."""
    usage = dict.fromkeys(RESOURCES, 0)
    for counter in _counters:
        usage.update(counter(project_id, user_id))
    return usage

"""Reads what is in use: by a project from its counters, by a user from what is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from quotas.models import Usage
from quotas.resources import RESOURCES


class UserCounter(Protocol):
    """Counts what users have in a project, by user and resource; what is left out is 0."""

    def __call__(
        self, project_id: str, user_ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]: ...


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
    return users_usage(project_id, [user_id])[user_id]


def users_usage(project_id: str, user_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """The same of several users, in as many statements."""
    usage = {user_id: dict.fromkeys(RESOURCES, 0) for user_id in user_ids}
    for counter in _counters:
        for user_id, amounts in counter(project_id, user_ids).items():
            usage[user_id].update(amounts)
    return usage

"""Reads the usage: of a project from its counters, of a user by counting the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from quotas.models import Usage
from quotas.resources import RESOURCES


class UserCounter(Protocol):
    """Counts the usage of users in a project, by user and resource; a missing number means 0."""

    def __call__(
        self, project_id: str, user_ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]: ...


class ReserveCounter(Protocol):
    """Counts what a project, or a user in it, holds beyond what its things are now, by resource."""

    def __call__(self, project_id: str, user_id: str | None) -> Mapping[str, int]: ...


_counters: list[UserCounter] = []
_reserves: list[ReserveCounter] = []


def count_users_with(counter: UserCounter) -> None:
    """Register the function that counts the usage of users; the app with the servers calls this."""
    if counter not in _counters:
        _counters.append(counter)


def count_reserves_with(counter: ReserveCounter) -> None:
    """Register the function that counts what is held beyond what things are now."""
    if counter not in _reserves:
        _reserves.append(counter)


def split_usage(
    usage: Mapping[str, int], project_id: str, user_id: str | None = None
) -> tuple[dict[str, int], dict[str, int]]:
    """What is in use, and what of the usage is reserved for changes that go on (one statement)."""
    reserved = dict.fromkeys(usage, 0)
    for counter in _reserves:
        for resource, amount in counter(project_id, user_id).items():
            reserved[resource] += min(amount, usage[resource])
    return {resource: used - reserved[resource] for resource, used in usage.items()}, reserved


def project_usage(project_id: str) -> dict[str, int]:
    """The project's usage of every resource; 0 for those that are not counted (one statement)."""
    rows = Usage.objects.filter(project=project_id).values_list("resource", "in_use")
    return {**dict.fromkeys(RESOURCES, 0), **dict(rows)}


def user_usage(project_id: str, user_id: str) -> dict[str, int]:
    """The user's usage of every resource in a project; 0 for those that are not counted."""
    return users_usage(project_id, [user_id])[user_id]


def users_usage(project_id: str, user_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """The same for several users, in the same number of statements."""
    usage = {user_id: dict.fromkeys(RESOURCES, 0) for user_id in user_ids}
    for counter in _counters:
        for user_id, amounts in counter(project_id, user_ids).items():
            usage[user_id].update(amounts)
    return usage

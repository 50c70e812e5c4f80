"""The only writer of limits; the API and the admin call it.

Where the identity service says the limits, nothing is written: as in Nova, the API answers as if it
were, and the admin offers no forms.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction

from compute_site.policy.identity_service import identity_service
from quotas.errors import ClassNameTooLong, LimitOutOfBounds, ProjectNotFound
from quotas.limits import effective_limits, limits_are_unified
from quotas.models import Limit, LimitChange
from quotas.resources import LIMITED, RESOURCES, UNLIMITED
from quotas.usage import project_usage, user_usage

LONGEST_NAME = 255


def check_project(project_id: str) -> None:
    """Check that the project exists. Nova: 400 if the URL names an unknown one.

    Raises:
        ProjectNotFound: there is none.
    """
    if not identity_service().has_project(project_id):
        raise ProjectNotFound(f"There is no project {project_id}.")


def set_limits(
    project_id: str,
    limits: Mapping[str, int],
    *,
    user_id: str = "",
    force: bool = False,
    by: str = "",
) -> None:
    """Set limits of a project, or of a user in it, by resource.

    Without ``force``, a project's limit must be at least the usage and the sum of its users'
    limits; a user's limit must be at least the user's usage, and at most what the limits of the
    project's other users leave.

    Raises:
        ProjectNotFound: there is no such project.
        LimitOutOfBounds: a limit is too low or too high.
    """
    check_project(project_id)
    if limits_are_unified():
        return
    if not force and limits:
        _check_bounds(project_id, user_id, limits)
    with _noted({"project_id": project_id}, by):
        _store(
            Limit(
                project_id=project_id,
                user_id=user_id if RESOURCES[resource].per_user else "",
                resource=resource,
                limit=limit,
            )
            for resource, limit in limits.items()
        )


def set_class_limits(quota_class: str, limits: Mapping[str, int], *, by: str = "") -> None:
    """Set limits of a quota class, by resource.

    Raises:
        ClassNameTooLong: the name has more than 255 characters.
    """
    if len(quota_class) > LONGEST_NAME:
        raise ClassNameTooLong(f"The name of a quota class has at most {LONGEST_NAME} characters.")
    if limits_are_unified():
        return
    with _noted({"project_id": None, "quota_class": quota_class}, by):
        _store(
            Limit(quota_class=quota_class, resource=resource, limit=limit)
            for resource, limit in limits.items()
        )


def clear_limits(
    project_id: str,
    *,
    user_id: str = "",
    resources: Collection[str] | None = None,
    by: str = "",
) -> None:
    """Delete limits, so that the wider ones apply again.

    Nova: without a user, the limits of the project and of all its users are deleted. With
    ``resources``, only the limits of these resources, and not those of the project's users.
    """
    if limits_are_unified():
        return
    rows = Limit.objects.filter(project=project_id)
    if user_id or resources is not None:
        rows = rows.filter(user_id=user_id)
    if resources is not None:
        rows = rows.filter(resource__in=resources)
    with _noted({"project_id": project_id}, by):
        rows.delete()


@transaction.atomic
def delete_limits(rows: Collection[Limit], *, by: str) -> None:
    """Delete these limits, of whatever scopes, so that the wider ones apply again."""
    scopes = {(row.project_id, row.quota_class) for row in rows}
    for project_id, quota_class in sorted(scopes, key=str):
        own = [
            row.pk for row in rows if (row.project_id, row.quota_class) == (project_id, quota_class)
        ]
        with _noted({"project_id": project_id, "quota_class": quota_class}, by):
            Limit.objects.filter(pk__in=own).delete()


@transaction.atomic
def save_project_page(
    project_id: str,
    *,
    limits: Mapping[str, int],
    cleared: Collection[str],
    users: Mapping[tuple[str, str], int],
    by: str,
) -> None:
    """Save the admin's page with all limits of a project, without a check of the usage.

    ``users`` are the complete limits of users for ``LIMITED`` resources, by user and resource.
    """
    set_limits(project_id, limits, force=True, by=by)
    clear_limits(project_id, resources=cleared, by=by)
    of_users = Limit.objects.filter(project=project_id, resource__in=LIMITED).exclude(user_id="")
    with _noted({"project_id": project_id}, by):
        of_users.delete()
        _store(
            Limit(project_id=project_id, user_id=user_id, resource=resource, limit=limit)
            for (user_id, resource), limit in users.items()
        )


@transaction.atomic
def save_class_page(
    quota_class: str, *, limits: Mapping[str, int], cleared: Collection[str], by: str
) -> None:
    """Save the admin's page with all limits of a class."""
    set_class_limits(quota_class, limits, by=by)
    scope = {"project_id": None, "quota_class": quota_class}
    with _noted(scope, by):
        Limit.objects.filter(**scope, resource__in=cleared).delete()


Values = dict[tuple[str, str], int]
"""Limits of one project or class, by user and resource."""


@contextlib.contextmanager
def _noted(scope: Mapping[str, Any], by: str) -> Iterator[None]:
    """Record the changes that are made inside the block in the history, as made by this user."""
    with transaction.atomic():
        before = _values(scope)
        yield
        after = _values(scope)
        LimitChange.objects.bulk_create(
            LimitChange(
                **scope,
                user_id=user_id,
                resource=resource,
                before=before.get((user_id, resource)),
                after=after.get((user_id, resource)),
                changed_by=by,
            )
            for user_id, resource in sorted(before.keys() | after.keys())
            if before.get((user_id, resource)) != after.get((user_id, resource))
        )


def _values(scope: Mapping[str, Any]) -> Values:
    rows = Limit.objects.filter(**scope).values_list("user_id", "resource", "limit")
    return {(user_id, resource): limit for user_id, resource, limit in rows}


def _store(rows: Iterable[Limit]) -> None:
    Limit.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["project", "quota_class", "user_id", "resource"],
        update_fields=["limit"],
    )


def _check_bounds(project_id: str, user_id: str, limits: Mapping[str, int]) -> None:
    project_limits = effective_limits(project_id, None, limits)
    given = _given_to_users(project_id)
    usage = user_usage(project_id, user_id) if user_id else project_usage(project_id)
    for resource, limit in limits.items():
        current, to_users = project_limits[resource], given.get(resource, {})
        if user_id:
            own = to_users.get(user_id, 0)
            least, most = usage[resource], _left_for_user(current, to_users, own)
        else:
            promised = 0 if current == UNLIMITED else _sum(to_users)
            least, most = max(usage[resource], promised), None
        _check_bound(resource, limit, least, most)


def _check_bound(resource: str, limit: int, least: int, most: int | None) -> None:
    if limit != UNLIMITED and limit < least:
        raise LimitOutOfBounds(
            f"The limit {limit} of {resource} is less than the {least} that are used or given to "
            "users.",
            field=f"quota_set.{resource}",
        )
    if most is not None and (limit == UNLIMITED or limit > most):
        raise LimitOutOfBounds(
            f"The limit {limit} of {resource} is more than the {most} that the project can give.",
            field=f"quota_set.{resource}",
        )


def _given_to_users(project_id: str) -> dict[str, dict[str, int]]:
    """The users' own limits: resource, user, limit."""
    given: dict[str, dict[str, int]] = {}
    rows = Limit.objects.filter(project=project_id).exclude(user_id="")
    for resource, user_id, limit in rows.values_list("resource", "user_id", "limit"):
        given.setdefault(resource, {})[user_id] = limit
    return given


def _left_for_user(project_limit: int, to_users: Mapping[str, int], own: int) -> int | None:
    """The largest possible limit of the user; ``None`` if the project has no limit."""
    if UNLIMITED in (project_limit, own):
        return None
    return project_limit - _sum(to_users) + own


def _sum(to_users: Mapping[str, int]) -> int:
    return sum(limit for limit in to_users.values() if limit != UNLIMITED)

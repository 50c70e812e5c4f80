"""Finds limits that are below the usage, to warn the operator who has set them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.db.models import Exists, OuterRef

from compute_site.identity.models import User
from quotas.models import Limit, Usage
from quotas.resources import COUNTED, UNLIMITED
from quotas.usage import users_usage

STAYS = "what is there stays, nothing can be added."


def over(name: str, limits: Mapping[str, int], usage: Mapping[str, int]) -> Iterator[str]:
    """A text for each resource of which more is used than the limit allows."""
    for resource, limit in limits.items():
        if limit != UNLIMITED and usage[resource] > limit:
            used = f"{name} uses {usage[resource]} of {resource}"
            yield f"{used}, more than its limit {limit}: {STAYS}"


def users_over(project_id: str, limits: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """The same for limits of users in a project, by user and resource."""
    names = dict(
        User.objects.filter(pk__in={user_id for user_id, _ in limits}).values_list("pk", "username")
    )
    usage = users_usage(project_id, names)
    for user_id, name in names.items():
        own = {resource: limit for (owner, resource), limit in limits.items() if owner == user_id}
        yield from over(name, own, usage[user_id])


def projects_over(limits: Mapping[str, int]) -> Iterator[str]:
    """A text for each limit of the default class that projects without an own limit exceed."""
    own = Limit.objects.filter(
        project=OuterRef("project"), resource=OuterRef("resource"), user_id=""
    )
    for resource in set(limits) & set(COUNTED):
        limit = limits[resource]
        rows = Usage.objects.filter(resource=resource, in_use__gt=limit)
        number = 0 if limit == UNLIMITED else rows.exclude(Exists(own)).count()
        if number:
            what = "1 project uses" if number == 1 else f"{number} projects use"
            whose = "its" if number == 1 else "their"
            yield f"{what} more of {resource} than {whose} limit {limit}: {STAYS}"

"""The user of the admin as a caller of the functions that the APIs call too."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from compute_site.caller import Caller
from compute_site.identity.models import Project, Role, User
from compute_site.identity.scope import IMPLIED_NAMES
from compute_site.policy.rules import registry


def operator_of(request: HttpRequest, project: Project | None) -> Caller:
    """The operator as a caller in the project; ``None``: in none, for things of nobody.

    The admin site has checked Django's permission already, which counts for all projects; so the
    caller has the role ``admin``, which locks of servers do not stop, and every rule of the APIs.
    """
    user = cast("User", request.user)
    return Caller(
        user_id=user.pk,
        user_name=user.get_username(),
        project_id=project.pk if project is not None else "",
        project_name=project.name if project is not None else "",
        roles=IMPLIED_NAMES[Role.ADMIN],
        rules=frozenset(),
        global_rules=frozenset(registry.names),
        request_id=request.META.get("compute_site.request_id", "-"),
    )


def is_superuser(request: HttpRequest) -> bool:
    """May the operator do everything in the admin site?"""
    return bool(getattr(request.user, "is_superuser", False))

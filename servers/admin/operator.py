"""The user of the admin as a caller of the functions that the API calls too."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from compute_site.caller import Caller
from compute_site.identity.models import Project, Role, User
from compute_site.identity.scope import IMPLIED_NAMES


def operator_of(request: HttpRequest, project: Project) -> Caller:
    """The operator as a caller in the project. The admin site has checked Django's permission
    already; so the caller has the role ``admin``, which locks of servers do not stop, and holds no
    rule of the API.
    """
    user = cast("User", request.user)
    return Caller(
        user_id=user.pk,
        user_name=user.get_username(),
        project_id=project.pk,
        project_name=project.name,
        roles=IMPLIED_NAMES[Role.ADMIN],
        rules=frozenset(),
        request_id=request.META.get("compute_site.request_id", "-"),
    )

"""Notes who changes projects, users and roles by the API, and who failed to sign in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.utils import timezone

from compute_site.identity.extra import EXTRA
from compute_site.identity.models import (
    AccessToken,
    Consumer,
    Domain,
    Endpoint,
    EndpointGroup,
    FailedSignIns,
    IdentityChange,
    Limit,
    NamedRole,
    Project,
    Region,
    RegisteredLimit,
    Service,
    StoredCredential,
    StoredPolicy,
    Trust,
    User,
    UserGroup,
)
from compute_site.request_id import current_sender

MADE, GONE = "Made.", "Deleted."
KEPT = dt.timedelta(days=90)
"""How long both are remembered."""

LONGEST = 1000
"""Characters of what was changed."""
COUNT = """
INSERT INTO identity_failedsignins AS known (user_id, hour, number, last_at, address, way)
VALUES (%(user_id)s, %(hour)s, 1, %(now)s, %(address)s, %(way)s)
    ON CONFLICT (user_id, hour) DO UPDATE
   SET number = known.number + 1, last_at = excluded.last_at, address = excluded.address,
       way = excluded.way
"""


Recorded = (
    Project | User | Domain | UserGroup | NamedRole | Region | Service | Endpoint | Limit
) | (
    RegisteredLimit
    | StoredCredential
    | StoredPolicy
    | EndpointGroup
    | Trust
    | Consumer
    | AccessToken
)
KIND_OF: Mapping[type[Any], str] = {
    Project: "project",
    User: "user",
    Domain: "domain",
    UserGroup: "group",
    NamedRole: "role",
    Region: "region",
    Service: "service",
    Endpoint: "service",
    Limit: "limit",
    RegisteredLimit: "limit",
    EndpointGroup: "service",
    StoredCredential: "credential",
    StoredPolicy: "policy",
    Trust: "trust",
    Consumer: "consumer",
    AccessToken: "access token",
}


def note_change(owner: Recorded, what: str, *, by: str, project_id: str = "") -> None:
    """Somebody (the id of a user) has changed a project, a user or the like. Call it in the
    transaction of the change; ``what`` holds no secret.
    """
    IdentityChange.objects.create(
        by=by,
        kind=KIND_OF[type(owner)],
        object_id=owner.pk[:64],
        object_name=owner.username if isinstance(owner, User) else str(owner)[:255],
        project_id=project_id,
        what=what[:LONGEST],
    )


def describe_members(members: Mapping[str, Any]) -> str:
    """The members that a client changes, without their values; unknown ones by their names."""
    names = {*members, *members.get(EXTRA, ())} - {EXTRA}
    return f"Changed: {', '.join(sorted(names)) or 'nothing'}."


def note_failed_sign_in(user_id: str | None, *, way: str) -> None:
    """``None``: of a name that nobody has. One row for each user and hour."""
    now = timezone.now()
    values: dict[str, Any] = {
        "user_id": user_id or "",
        "hour": now.replace(minute=0, second=0, microsecond=0),
        "now": now,
        "address": current_sender.get().address.strip("-"),
        "way": way,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)


def purge_records() -> int:
    """Forget the old ones; their number."""
    since = timezone.now() - KEPT
    changes = IdentityChange.objects.filter(at__lt=since).delete()[0]
    return changes + FailedSignIns.objects.filter(last_at__lt=since).delete()[0]

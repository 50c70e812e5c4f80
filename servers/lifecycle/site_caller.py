"""The caller for periodic tasks, which no user requests."""

from __future__ import annotations

import uuid

from compute_site.caller import Caller


def act_as_site() -> Caller:
    """An admin without user and project, so that locks do not stop it. As in Nova, the history
    names no user.
    """
    return Caller(
        user_id="",
        user_name="",
        project_id="",
        project_name="",
        roles=frozenset(["admin"]),
        rules=frozenset(),
        request_id=f"req-{uuid.uuid4()}",
    )

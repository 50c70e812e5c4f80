"""The site as a caller, for what it does by itself when a time is over."""

from __future__ import annotations

import uuid

from compute_site.caller import Caller


def act_as_site() -> Caller:
    """No user in no project: an admin, whom no lock stops. The history has no names, as in Nova."""
    return Caller(
        user_id="",
        user_name="",
        project_id="",
        project_name="",
        roles=frozenset(["admin"]),
        rules=frozenset(),
        request_id=f"req-{uuid.uuid4()}",
    )

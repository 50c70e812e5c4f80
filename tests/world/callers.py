"""Callers as the domain knows them, without a request."""

from __future__ import annotations

from compute_site.caller import Caller
from tests.world.cast import Persona


def caller_of(persona: Persona) -> Caller:
    """The persona as a caller that holds no rule."""
    return Caller(
        user_id=persona.user_id,
        user_name=persona.name,
        project_id=persona.project_id,
        project_name=persona.project_name,
        roles=frozenset([persona.role.value]),
        rules=frozenset(),
        request_id="req-00000000-0000-4000-8000-000000000002",
    )

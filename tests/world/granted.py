"""The caller that a persona is, read from the database as a request would."""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.identity.scope import find_by_user
from compute_site.policy.granted import find_granted
from tests.world.cast import Persona


def caller_of(persona: Persona) -> Caller:
    scope = find_by_user(user_id=persona.user_id, project_id=persona.project_id)
    assert scope is not None
    granted = find_granted(persona.user_id, persona.project_id, scope.group_ids)
    return Caller(
        user_id=scope.user_id,
        user_name=scope.user_name,
        project_id=persona.project_id,
        project_name=persona.project_name,
        roles=scope.all_roles,
        rules=granted.in_project,
        global_rules=granted.everywhere,
    )

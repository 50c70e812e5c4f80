"""Callers besides the cast."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from compute_site.identity.models import Project, Role, Token
from compute_site.identity.tokens import digest_of
from tests.world.cast import Persona
from tests.world.factories import make_user, number


def make_persona(project: Project, role: Role) -> Persona:
    """A new user who has the role in the project."""
    user = make_user(project=project, role=role)
    persona = Persona(user.username, str(user.pk), str(project.pk), project.name, role)
    Token.objects.create(
        digest=digest_of(persona.token),
        user=user,
        project=project,
        methods=["password"],
        audit_id=str(number()),
        issued_at=timezone.now(),
        expires_at=timezone.now() + dt.timedelta(days=1),
    )
    return persona

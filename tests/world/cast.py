"""The fixed cast of all tests: project alpha with a member, a second member, a reader and a
manager, project beta with a member as the outsider, and a cloud admin, at home in alpha.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from compute_site.identity.models import Project, Role, Token, User
from compute_site.identity.tokens import digest_of
from compute_site.policy.grants import give_role

UNKNOWN_ID = "00000000-0000-4000-8000-00000000ffff"
"""The id of nothing. Fixed, since all processes that run tests must collect the same ones."""


@dataclasses.dataclass(frozen=True)
class Persona:
    """``password`` equals the name; ``token`` is one that lasts through the tests."""

    name: str
    user_id: str
    project_id: str
    project_name: str
    role: Role

    @property
    def password(self) -> str:
        return self.name

    @property
    def token(self) -> str:
        return f"token-of-{self.name}"

    @property
    def user(self) -> User:
        return User.objects.get(pk=self.user_id)

    @property
    def project(self) -> Project:
        return Project.objects.get(pk=self.project_id)


ALPHA = "a1" * 16
BETA = "be" * 16


@dataclasses.dataclass(frozen=True)
class Cast:
    member: Persona = Persona("alpha-member", "01" * 16, ALPHA, "alpha", Role.MEMBER)
    second_member: Persona = Persona("alpha-second", "02" * 16, ALPHA, "alpha", Role.MEMBER)
    reader: Persona = Persona("alpha-reader", "03" * 16, ALPHA, "alpha", Role.READER)
    manager: Persona = Persona("alpha-manager", "04" * 16, ALPHA, "alpha", Role.MANAGER)
    outsider: Persona = Persona("beta-member", "05" * 16, BETA, "beta", Role.MEMBER)
    admin: Persona = Persona("cloud-admin", "06" * 16, ALPHA, "alpha", Role.ADMIN)

    @property
    def personas(self) -> list[Persona]:
        return [getattr(self, field.name) for field in dataclasses.fields(self)]

    @property
    def alpha(self) -> Project:
        return self.member.project

    @property
    def beta(self) -> Project:
        return self.outsider.project


def make_cast() -> Cast:
    """Make who is missing; cheap when nobody is."""
    cast = Cast()
    if User.objects.filter(pk=cast.admin.user_id).exists():
        return cast
    for project_id, name in ((ALPHA, "alpha"), (BETA, "beta")):
        Project.objects.create(id=project_id, name=name)
    now = timezone.now()
    for persona in cast.personas:
        user = User.objects.create(
            id=persona.user_id,
            username=persona.name,
            password=make_password(persona.password),
            default_project_id=persona.project_id,
            is_staff=persona.role is Role.ADMIN,
            is_superuser=persona.role is Role.ADMIN,
        )
        give_role(user, persona.project, persona.role)
        Token.objects.create(
            digest=digest_of(persona.token),
            user=user,
            project_id=persona.project_id,
            methods=["password"],
            audit_id=persona.user_id[:22],
            issued_at=now,
            expires_at=now + dt.timedelta(days=1),
        )
    return cast

"""What this site asks of who knows tokens: its own identity service, or a Keystone elsewhere."""

from __future__ import annotations

import dataclasses
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings

from compute_site.faults import Unavailable
from compute_site.identity.scope import Scope
from compute_site.policy.granted import Granted


class IdentityServiceUnavailable(Unavailable):
    """The identity service does not answer."""

    code = "identity_service_unavailable"


@dataclasses.dataclass(frozen=True, slots=True)
class Proven:
    """Who a token stands for, and what is granted there. ``token`` is what services elsewhere take
    for the same; empty where they would not know it.
    """

    scope: Scope
    granted: Granted
    token: str = ""


class IdentityService(Protocol):
    """An implementation is a module, chosen by the option ``identity_service``."""

    def find_by_token(self, text: str, service_token: str = "") -> Proven | None:
        """Whose token it is; ``None``: it is unknown, expired or revoked. ``service_token`` is that
        of a service which passes it on: for such a one it may have expired meanwhile.

        Raises:
            Forbidden: it is valid, but is no token for a project, or has no role that counts here.
            IdentityServiceUnavailable: 503.
        """
        ...

    def has_project(self, project_id: str) -> bool:
        """Is there such a project? There is a row of it then."""
        ...

    def login_url(self, root: str) -> str:
        """Where clients get tokens; ``root`` is the address of this site."""
        ...


def identity_service() -> IdentityService:
    return _load(settings.OPTIONS.identity_service)


def login_url(root: str) -> str:
    """Where clients of this site get tokens."""
    return identity_service().login_url(root)


@cache
def _load(name: str) -> IdentityService:
    return cast("IdentityService", import_module(name))

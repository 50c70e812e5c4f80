"""A Keystone elsewhere, which knows tokens, projects and users (``identity_service``)."""

from __future__ import annotations

import dataclasses
import logging
from urllib.parse import quote

from compute_site.faults import Forbidden
from compute_site.identity.errors import NoProject
from compute_site.identity.models import Project
from compute_site.identity.seed import SERVICE_ROLE
from compute_site.neighbours.elsewhere.faults import NotThere
from compute_site.neighbours.elsewhere.login import keystone_url
from compute_site.neighbours.identity.keystone import rows
from compute_site.neighbours.identity.keystone.tokens import (
    KEYSTONE,
    KnownToken,
    Named,
    ask_keystone,
    find_known,
    remember,
)
from compute_site.policy.granted import find_with_rules
from compute_site.policy.identity_service import IdentityServiceUnavailable, Proven

logger = logging.getLogger(__name__)


class NoRoleHere(Forbidden):
    """None of the token's roles means anything here, or the project or user is disabled here."""

    code = "no_role_here"


def find_by_token(text: str, service_token: str = "") -> Proven | None:
    known = _find(text)
    if known is not None and known.access_rules is None:
        return _prove(text, known)
    if not service_token or not _is_of_service(service_token):
        return None if known is None else _prove(text, known)
    if known is None:
        known = ask_keystone(text, may_have_expired=True)
        if known is None:
            return None
        rows.note_token(known)
    # what a service does for a user, the rules allowed when they let the user ask that service
    return _prove(text, dataclasses.replace(known, access_rules=None))


def _find(text: str) -> KnownToken | None:
    known = find_known(text)
    if known is None:
        known = ask_keystone(text)
        if known is not None:
            rows.note_token(known)
            remember(text, known)
    return known


def _is_of_service(text: str) -> bool:
    """Is it a valid token of a service, which may pass on that of a user who waits for it?"""
    known = _find(text)
    return known is not None and SERVICE_ROLE in known.roles


def has_project(project_id: str) -> bool:
    if Project.objects.filter(pk=project_id).exists():
        return True
    try:
        answer = KEYSTONE.call("GET", f"/projects/{quote(project_id, safe='')}")
    except NotThere:
        return False
    except IdentityServiceUnavailable:
        logger.warning("nobody knows whether there is a project %s", project_id)
        raise
    rows.note_project(KEYSTONE.read(answer, lambda body: _project(body["project"])))
    return True


def login_url(root: str) -> str:  # noqa: ARG001 - that of the local service depends on it
    return keystone_url()


def _prove(text: str, known: KnownToken) -> Proven:
    if known.project is None:
        raise NoProject("Get a token for a project; this one is for none.")
    found = find_with_rules(
        known.user.id, known.project.id, known.roles, by_credential=known.by_credential
    )
    if found is None or not known.roles:
        raise NoRoleHere(
            f"No role of yours in the project {known.project.id} counts here, or the project or "
            "your account is disabled here."
        )
    scope, granted = found
    scope = dataclasses.replace(scope, access_rules=known.access_rules)
    return Proven(scope, granted, token=text)


def _project(shown: dict[str, str]) -> Named:
    domain = shown["domain_id"]
    return Named(id=shown["id"], name=shown["name"], domain_id=domain, domain_name=domain)

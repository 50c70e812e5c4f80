"""The identity service in this database."""

from __future__ import annotations

from compute_site.identity.models import Project
from compute_site.identity.tokens import WideToken, digest_of, is_wide
from compute_site.policy.granted import find_token_with_rules
from compute_site.policy.identity_service import Proven


def find_by_token(text: str, service_token: str = "") -> Proven | None:  # noqa: ARG001
    """Raises ``WideToken``. An expired token is not taken from services either."""
    digest = digest_of(text)
    found = find_token_with_rules(digest)
    if found is None:
        return None
    if found[0].project_id is None and is_wide(digest):
        raise WideToken("Get a token for a project; this one is for a domain or the system.")
    return Proven(*found)


def has_project(project_id: str) -> bool:
    return Project.objects.filter(pk=project_id).exists()


def login_url(root: str) -> str:
    return f"{root}/identity"

"""The identity service in this database."""

from __future__ import annotations

from compute_site.identity.models import Project
from compute_site.identity.tokens import digest_of
from compute_site.policy.granted import find_token_with_rules
from compute_site.policy.identity_service import Proven


def find_by_token(text: str) -> Proven | None:
    found = find_token_with_rules(digest_of(text))
    return None if found is None else Proven(*found)


def has_project(project_id: str) -> bool:
    return Project.objects.filter(pk=project_id).exists()


def login_url(root: str) -> str:
    return f"{root}/identity"

"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

from tests.trials.identity.asking import Request
from tests.trials.reasons import Test, by, has
from tests.trials.service import Answer


def _itself(request: Request, ours: Answer, theirs: Answer) -> bool:
    first, _, second = request.path.removeprefix("/roles/").partition("/implies/")
    return first == second


def _both_refuse(request: Request, ours: Answer, theirs: Answer) -> bool:
    return ours.status >= 400 and theirs.status >= 400


def _ring(request: Request, ours: Answer, theirs: Answer) -> bool:
    return "/implies/" in request.path and (ours.status, theirs.status) == (403, 201)


def _no_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    filtered = "?" in request.path and request.path.endswith("=nothing")
    return filtered and (ours.status, theirs.status) == (200, 400)


KNOWN: tuple[tuple[str, Test], ...] = (
    ("of several faults another one is told, or with another status", _both_refuse),
    ("no role implies itself", _itself),
    ("no roles imply each other", _ring),
    ("the domain of a role is one", by("/roles", 404, 201)),
    ("the default project of a user is one", has("default_project_id", 400, 201)),
    ("the default project of a user is one", has("default_project_id", 400, 200)),
    ("a service with registered limits stays", by("/services/", 403, 204, method="DELETE")),
    ("descriptions are texts", has("description", 400, 201)),
    ("descriptions are texts", has("description", 400, 200)),
    ("null as a domain is as if it were not there", has("domain_id", 201, 400)),
    ("what is no id is not found in lists", _no_id),
)
EXTRA = ("extra",)
"""Keystone repeats unknown members under it when something was changed."""
EMPTY = ("description",)
"""Shown empty here where nobody gave one, and left out there."""

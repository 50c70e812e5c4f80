"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.trials.identity.asking import Request
from tests.trials.reasons import Test, by, has
from tests.trials.service import Answer

LONGEST_EMAIL, LONGEST_ID = 254, 64


def _itself(request: Request, ours: Answer, theirs: Answer) -> bool:
    first, _, second = request.path.removeprefix("/roles/").partition("/implies/")
    return first == second and (ours.status, theirs.status) == (403, 201)


def _both_refuse(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Nothing that only one thing is wrong with."""
    return 400 <= ours.status < 500 and 400 <= theirs.status < 500 and request.faults > 1


def _ring(request: Request, ours: Answer, theirs: Answer) -> bool:
    return "/implies/" in request.path and (ours.status, theirs.status) == (403, 201)


def _no_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    """A list is filtered by the id of what is not there."""
    found = re.search(r"[?&](?:scope\.)?\w+[._]id=(nothing|0{32}|\{)", request.path)
    assigned = request.path.startswith("/role_assignments")
    return found is not None and (ours.status, theirs.status) == (200, 404 if assigned else 400)


def _told(request: Request) -> Mapping[str, Any]:
    """The members that it says."""
    told = request.body.get(request.kind) if isinstance(request.body, dict) else None
    return told if isinstance(told, dict) else {}


def _no_owner(request: Request, ours: Answer, theirs: Answer) -> bool:
    named = any(f"credential.{key}:" in str(ours.json) for key in ("user_id", "project_id"))
    return request.kind == "credential" and named and (ours.status, theirs.status) == (400, 201)


def _no_secret(request: Request, ours: Answer, theirs: Answer) -> bool:
    no_base32 = "credential.blob: give base32" in str(ours.json)
    return no_base32 and ours.status == 400 and theirs.status in (200, 201)


def _domain_of_role(request: Request, ours: Answer, theirs: Answer) -> bool:
    said = request.kind == "role" and _told(request).get("domain_id") is not None
    return said and (ours.status, theirs.status) == (404, 201)


def _no_text(request: Request, ours: Answer, theirs: Answer) -> bool:
    odd = not isinstance(_told(request).get("description", ""), str)
    return odd and ours.status == 400 and theirs.status in (200, 201)


def _no_domain(request: Request, ours: Answer, theirs: Answer) -> bool:
    said = _told(request).get("domain_id", "") is None
    return said and (ours.status, theirs.status) == (201, 400)


def _twice(request: Request, ours: Answer, theirs: Answer) -> bool:
    lists = (_told(request).get(key) for key in ("access_rules", "roles"))
    twice = any(isinstance(rows, list) and rows[1:] and rows[0] == rows[1] for rows in lists)
    kind = request.kind in ("application_credential", "trust")
    return kind and twice and (ours.status, theirs.status) == (201, 409)


def _no_form(request: Request, ours: Answer, theirs: Answer) -> bool:
    """No domain has an id like this."""
    said = str(_told(request).get("domain_id") or "a")
    odd = not said.startswith("{") and re.fullmatch(r"[a-zA-Z0-9-]{1,64}", said) is None
    return odd and (ours.status, theirs.status) == (404, 400)


def _own_service(request: Request, ours: Answer, theirs: Answer) -> bool:
    said = request.kind == "registered_limit" and "service_id" in _told(request)
    return said and request.method == "PATCH" and (ours.status, theirs.status) == (200, 409)


def _no_email(request: Request, ours: Answer, theirs: Answer) -> bool:
    email = _told(request).get("email", "")
    odd = not isinstance(email, str | None) or len(email or "") > LONGEST_EMAIL
    return request.kind == "user" and odd and ours.status == 400 and theirs.status in (200, 201)


def _long_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    long = len(str(_told(request).get("trustee_user_id", ""))) > LONGEST_ID
    return request.kind == "trust" and long and (ours.status, theirs.status) == (400, 404)


def _colour_of_trust(request: Request, ours: Answer, theirs: Answer) -> bool:
    said = request.kind == "trust" and _told(request).get("colour") is not None
    return said and (ours.status, theirs.status) == (400, 201)


def _empty_policy(request: Request, ours: Answer, theirs: Answer) -> bool:
    empty = request.kind == "policy" and _told(request).get("blob") == ""
    return empty and ours.status == 400 and theirs.status in (200, 201)


def _null_project(request: Request, ours: Answer, theirs: Answer) -> bool:
    null = request.body == {"tenant_id": None}
    return null and (ours.status, theirs.status) == (400, 404)


def _no_filters(request: Request, ours: Answer, theirs: Answer) -> bool:
    empty = request.kind == "endpoint_group" and _told(request).get("filters") == {}
    return empty and ours.status in (200, 201) and theirs.status == 400


KNOWN: tuple[tuple[str, Test], ...] = (
    ("of several faults another one is told, or with another status", _both_refuse),
    ("no role implies itself", _itself),
    ("no roles imply each other", _ring),
    ("the domain of a role is one", _domain_of_role),
    ("the default project of a user is one", has("default_project_id", 400, 201)),
    ("the default project of a user is one", has("default_project_id", 400, 200)),
    ("a service with registered limits stays", by("/services/", 403, 204, method="DELETE")),
    ("descriptions are texts", _no_text),
    ("null as a domain is as if it were not there", _no_domain),
    ("what is no id is not found in lists", _no_id),
    ("the user and the project of a stored credential are some", _no_owner),
    ("the secret of an authenticator is one", _no_secret),
    ("access rules and roles that are named twice count once", _twice),
    ("a domain whose id has a form that none has is not there", _no_form),
    ("null as the project of a pair of keys is malformed", _null_project),
    ("a registered limit may name its own service again", _own_service),
    (
        "a group of endpoints that is not there has no projects",
        by("/OS-EP-FILTER/endpoint_groups/.*/projects$", 404, 200, method="GET"),
    ),
    ("an address for mail is a text of at most 254 characters", _no_email),
    (
        "a user or a group that is not there inherits nothing",
        by("/OS-INHERIT/.*/inherited_to_projects$", 404, 204, method="PUT"),
    ),
    ("unknown members of trusts are refused", _colour_of_trust),
    ("a pair of keys is found below its user alone", by("/users/.*/OS-EC2/", 404, (200, 204))),
    ("a policy is not empty", _empty_policy),
    ("the id of a trustee has at most 64 characters", _long_id),
    (
        "a group of endpoints is looked for before the body is read",
        by("/OS-EP-FILTER/endpoint_groups/", 404, 400, method="PATCH"),
    ),
    ("a group of endpoints may have no filters", _no_filters),
    (
        "an endpoint that was deleted has no policy any more",
        by("/policies/.*/OS-ENDPOINT-POLICY/endpoints$", 200, 404),
    ),
    (
        "where a policy was deleted, the next one counts",
        by("/endpoints/.*/OS-ENDPOINT-POLICY/policy$", 200, 404),
    ),
    (
        "a tag that a project has already can be given again",
        by("/projects/.*/tags/", 201, 400, method="PUT"),
    ),
    (
        "a user or a group that is not there inherits nothing",
        by("/OS-INHERIT/.*/(users|groups)/.*/roles/inherited_to_projects$", 404, 200, method="GET"),
    ),
    (
        "what groups inherit in a project has a URL",
        by("/OS-INHERIT/projects/.*/roles/inherited_to_projects$", 200, 404, method="GET"),
    ),
    (
        "admins of a project see and delete access rules of others",
        by("/users/.*/access_rules", (200, 204, 404), 403),
    ),
)
EXTRA = ("extra", "secret")
"""Keystone repeats unknown members under ``extra`` after a change; secrets are random."""
EMPTY = ("description", "unrestricted", "system", "colour")
"""Shown empty by one side where nobody gave one, and left out or null at the other."""

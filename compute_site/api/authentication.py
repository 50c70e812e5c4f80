"""Finds the caller of a request: by token, by name and password, or by the session of the admin."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from django.contrib.auth.models import AnonymousUser
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from compute_site.caller import Caller
from compute_site.faults import Unauthorized
from compute_site.identity.access_rules import check_allowed
from compute_site.identity.errors import CrossSite, InvalidPassword, InvalidToken, NoRole
from compute_site.identity.factors import PASSWORD_ALONE, check_factors
from compute_site.identity.models import Project, Role, User
from compute_site.identity.proof import prove_password
from compute_site.identity.scope import IMPLIED_NAMES, Scope, find_by_user
from compute_site.policy.granted import Granted, every_rule, find_granted
from compute_site.policy.identity_service import identity_service
from compute_site.request_id import note_user

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
REALM = 'Basic realm="compute-site"'


class CallerAuthentication(BaseAuthentication):
    """``request.auth`` becomes the ``Caller``; ``None`` when the request proves no identity."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        try:
            caller = find_caller(request)
        except Unauthorized:
            # otherwise DRF would authenticate again while it renders the page of this error
            request.user = request.auth = None  # type: ignore[assignment]
            raise
        if caller is None:
            return None
        return cast("User", SimpleLazyObject(_user_reader(caller.user_id))), caller

    def authenticate_header(self, request: Request) -> str:
        return REALM


def find_caller(request: Request) -> Caller | None:
    """The caller by the first credentials that the request has; ``None`` if it has none.

    Raises:
        Unauthorized: the credentials are not valid.
    """
    token = token_of(request)
    if token:
        return _by_token(request, token)
    scope = find_by_basic(request)
    return _by_session(request) if scope is None else _caller_in(request, scope)


def token_of(request: Request) -> str:
    """The token of the request, as OpenStack's clients send it, or else those of OAuth 2.0; empty
    if it has none.
    """
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    bearer: str = text.strip() if scheme.lower() == "bearer" else ""
    return request.META.get("HTTP_X_AUTH_TOKEN") or bearer


def _by_token(request: Request, token: str) -> Caller:
    proven = identity_service().find_by_token(token, request.META.get("HTTP_X_SERVICE_TOKEN", ""))
    if proven is None:
        raise InvalidToken("The token is unknown, expired or revoked.")
    note_user(proven.scope.user_id)
    check_allowed(proven.scope.access_rules, str(request.method), request.path)
    caller = _caller_in(request, proven.scope, proven.granted)
    return dataclasses.replace(caller, token=proven.token) if proven.token else caller


def find_by_basic(request: Request) -> Scope | None:
    """Who proves to be somebody by name and password; ``None`` if the request has none.

    Raises:
        Unauthorized: they are wrong, or not enough for this user.
        CrossSite: a page of another site sends them along.
    """
    shown = read_basic(request.META.get("HTTP_AUTHORIZATION", ""))
    if shown is None:
        return None
    name, password = shown
    if request.method not in SAFE_METHODS and is_cross_site(request):
        raise CrossSite("A page of another site may not write in your name.")
    scope = find_by_user(name=name, **_wanted_project(request))
    scope = prove_password(scope, password, named=name, by="HTTP Basic")
    check_factors(scope, PASSWORD_ALONE)
    return scope


def read_basic(header: str) -> tuple[str, str] | None:
    """Name and password of HTTP Basic; ``None`` if the header has another scheme.

    Raises:
        InvalidPassword: they cannot be read.
    """
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:  # no base64, or what it says is no UTF-8
        colon = ""
    if not colon:
        raise InvalidPassword("Basic credentials are name:password in base64.")
    return name, password


def is_cross_site(request: Request) -> bool:
    """Does the request come from a page of another site? A browser that remembers a name and
    password sends them along with such requests too; programs send neither of these headers.
    """
    fetch_site = request.META.get("HTTP_SEC_FETCH_SITE")
    if fetch_site is not None:
        return fetch_site not in ("same-origin", "none")
    origin = request.META.get("HTTP_ORIGIN")
    return origin is not None and urlsplit(origin).netloc != request.get_host()


def _by_session(request: Request) -> Caller | None:
    user = getattr(request._request, "user", None)  # noqa: SLF001 - Django's user, not DRF's
    if user is None or isinstance(user, AnonymousUser) or not user.is_active:
        return None
    # Django's request, for DRF's would parse the body to find the token
    SessionAuthentication().enforce_csrf(request._request)  # type: ignore[arg-type]  # noqa: SLF001
    scope = find_by_user(user_id=user.pk, **_wanted_project(request))
    if scope is None:
        return None
    note_user(scope.user_id)
    if user.is_superuser and not scope.holds_any:
        return _superuser(request, scope)
    return _caller_in(request, scope)


def _superuser(request: Request, scope: Scope) -> Caller:
    """A superuser of the admin site is the cloud's admin, in the default project or the first."""
    if scope.project_id is None:
        project = Project.objects.filter(enabled=True).only("id", "name").first()
        if project is None:
            raise NoRole("There is no project yet; make one in the admin.")
        scope_id, scope_name = project.id, project.name
    else:
        scope_id, scope_name = scope.project_id, str(scope.project_name)
    return _make_caller(
        request,
        scope,
        project=(scope_id, scope_name),
        roles=IMPLIED_NAMES[Role.ADMIN],
        granted=Granted(every_rule(), every_rule()),
    )


def _caller_in(request: Request, scope: Scope, granted: Granted | None = None) -> Caller:
    """``granted`` is what the scope is granted, where that is known."""
    if scope.project_id is None or not scope.holds_any:
        raise NoRole("You hold no role in this project, or it is disabled, or none is chosen.")
    if granted is None:
        user_id = None if scope.by_credential else scope.user_id
        granted = find_granted(user_id, scope.project_id, scope.group_ids)
    return _make_caller(
        request,
        scope,
        project=(scope.project_id, str(scope.project_name)),
        roles=scope.all_roles,
        granted=granted,
    )


def _make_caller(
    request: Request,
    scope: Scope,
    *,
    project: tuple[str, str],
    roles: frozenset[str],
    granted: Granted,
) -> Caller:
    return Caller(
        user_id=scope.user_id,
        user_name=scope.user_name,
        project_id=project[0],
        project_name=project[1],
        roles=roles,
        rules=granted.in_project,
        global_rules=granted.everywhere,
        by_credential=scope.by_credential,
        request_id=request.META.get("compute_site.request_id", "-"),
    )


def _wanted_project(request: Request) -> dict[str, Any]:
    return {
        "project_id": request.META.get("HTTP_X_PROJECT_ID") or None,
        "project_name": request.META.get("HTTP_X_PROJECT_NAME") or None,
    }


def _user_reader(user_id: str) -> Callable[[], User]:
    """A function that reads the user when it is needed, which is only for the browsable pages."""
    return lambda: User.objects.get(pk=user_id)

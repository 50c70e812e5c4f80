"""The base of the identity API's views: JSON only, and errors in Keystone's envelope."""

from __future__ import annotations

import http
import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.authentication import find_by_basic, token_of
from compute_site.api.json_view import JsonView
from compute_site.api.links import root_of
from compute_site.api.rendering import JsonRenderer
from compute_site.api.view import as_fault
from compute_site.caller import PolicyRefused
from compute_site.faults import Fault, MethodNotAllowed, Unauthorized
from compute_site.identity.access_rules import check_allowed
from compute_site.identity.errors import InvalidToken
from compute_site.identity.models import Domain, System, Token
from compute_site.identity.signed_requests import SignedRequest
from compute_site.identity.tokens import ValidToken, find_token
from compute_site.policy.granted import NOTHING, Granted, find_granted, find_granted_on
from compute_site.policy.identity_service import login_url
from compute_site.request_id import note_user

logger = logging.getLogger(__name__)


class IdentityView(JsonView):
    """Views call ``self.caller()`` where a token is required; some URLs need none."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (JsonRenderer,)
    versioning_class = None
    schema = None  # the API's document is about compute

    def caller(self) -> ValidToken:
        """The token of the caller; with a name and password, one for this request alone. It is
        read once, however often a view asks.

        Raises:
            InvalidToken: there is none, or it is not valid.
            Unauthorized: name and password are wrong.
        """
        return self._proven

    @cached_property
    def _proven(self) -> ValidToken:
        text = token_of(self.request)
        valid = find_token(text) if text else self._by_password()
        if valid is None:
            raise InvalidToken(
                "Send a valid token in X-Auth-Token, or a name and password (HTTP Basic)."
            )
        note_user(valid.user_id)
        check_allowed(valid.scope.access_rules, str(self.request.method), self.request.path)
        return valid

    def _by_password(self) -> ValidToken | None:
        scope = find_by_basic(self.request)
        if scope is None:
            return None
        token = Token(
            user_id=scope.user_id, project_id=scope.project_id if scope.holds_any else None
        )
        return ValidToken(token, scope)

    def permit(
        self,
        rule: str,
        *,
        owner: str | None = None,
        project_id: str | None = None,
        domain_id: str | None = None,
    ) -> ValidToken:
        """The token of the caller, who may do this: as the user ``owner``, or by the policy rule,
        granted in the project that is named, or else in that of the token; with a token for a
        domain, to what belongs to that domain.

        Raises:
            InvalidToken: there is no token, or it is not valid.
            PolicyRefused: the rule is not granted.
        """
        token = self.caller()
        if token.user_id != owner and not self.holds(token, rule, project_id, domain_id):
            raise PolicyRefused(f"The policy rule {rule} is not granted to you.")
        return token

    def holds(
        self,
        token: ValidToken,
        rule: str,
        project_id: str | None = None,
        domain_id: str | None = None,
    ) -> bool:
        """Is the rule granted? A token for nothing has no rights but those on its user."""
        own = token.token
        if own.domain_id is not None:
            return own.domain_id == domain_id and rule in self._granted.in_project
        here = own.system or project_id in (None, own.project_id)
        return (here and rule in self._granted.in_project) or rule in self._granted.everywhere

    @cached_property
    def _granted(self) -> Granted:
        """What the caller is granted in what the token is for: a project, a domain or the system;
        read once, however often a view asks.
        """
        token, scope = self.caller().token, self.caller().scope
        if token.project_id is not None:
            user_id = None if scope.by_credential else scope.user_id
            return find_granted(user_id, token.project_id, scope.group_ids)
        if token.system:
            return Granted(find_granted_on(System(), scope), NOTHING)
        if token.domain_id is not None:
            return Granted(find_granted_on(Domain(pk=token.domain_id), scope), NOTHING)
        return Granted(NOTHING, NOTHING)

    def reach(self, rule: str) -> tuple[ValidToken, str | None]:
        """The token of a caller who may list by the rule, and the domain whose things alone the
        list has: that of the token, if it is for one.

        Raises:
            InvalidToken, PolicyRefused: as ``permit``.
        """
        token = self.caller()
        own = token.token.domain_id
        if not self.holds(token, rule, None, own):
            raise PolicyRefused(f"The policy rule {rule} is not granted to you.")
        return token, own

    def signed(self) -> SignedRequest:
        """The request with its signature of OAuth.

        Raises:
            MalformedRequest: there is none.
        """
        request = self.request._request  # noqa: SLF001 - Django's request
        path = request.get_full_path().removeprefix(request.META.get("SCRIPT_NAME", ""))
        header = request.META.get("HTTP_AUTHORIZATION", "")
        return SignedRequest.read(str(request.method), f"{self.root}{path}", header)

    @property
    def root(self) -> str:
        return root_of(self.request._request)  # noqa: SLF001 - Django's request

    def http_method_not_allowed(
        self, request: HttpRequest | Request, *args: Any, **kwargs: Any
    ) -> Response:
        raise MethodNotAllowed("There is nothing at this URL for this method.")

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return render_error

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Vary"] = "X-Auth-Token"
        if response.status_code == Unauthorized.status:
            response["WWW-Authenticate"] = f'Keystone uri="{login_url(self.root)}"'
        return response


def fault_of(error: Exception) -> Fault:
    """The error as a fault; what nobody expected is logged."""
    fault: Fault = as_fault(error)
    if fault.status == 500:
        logger.error("unexpected error", exc_info=error)
    return fault


def render_error(error: Exception, _context: dict[str, Any]) -> Response:
    """Every error of an identity view becomes Keystone's envelope."""
    fault = fault_of(error)
    body = {
        "code": fault.status,
        "message": fault.detail,
        "title": http.HTTPStatus(fault.status).phrase,
    }
    return Response({"error": body}, status=fault.status, headers=fault.headers)

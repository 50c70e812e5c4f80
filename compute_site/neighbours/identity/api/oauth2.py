"""OAuth 2.0: clients are application credentials, and get tokens by them (RFC 6749, 4.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.authentication import REALM, read_basic
from compute_site.faults import Fault, Unauthorized
from compute_site.identity.auth_request import AuthRequest
from compute_site.identity.errors import InvalidPassword, MalformedRequest
from compute_site.identity.login import log_in
from compute_site.neighbours.identity.api.envelope import IdentityView, fault_of
from compute_site.neighbours.identity.api.oauth import FORM
from compute_site.neighbours.identity.api.serializers import OAuth2Form

GRANT = "client_credentials"
WORDS = {MalformedRequest.status: "invalid_request", Unauthorized.status: "invalid_client"}
"""What clients go by."""
MOST_FIELDS = 100


class UnsupportedGrant(MalformedRequest):
    """Tokens are not given for this."""

    code = "unsupported_grant_type"


class UnknownScope(MalformedRequest):
    """The token would have the scope of the application credential, and not this one."""

    code = "invalid_scope"


class OAuth2Tokens(IdentityView):
    """``POST /identity/v3/OS-OAUTH2/token``: a form; the client shows an application credential."""

    open = True
    media_type: ClassVar = FORM
    bodies: ClassVar = {"post": ("", OAuth2Form)}

    def post(self, request: Request) -> Response:
        form = OAuth2Form.read_body(self.read_form())
        if form["grant_type"] != GRANT:
            raise UnsupportedGrant(f"grant_type: give {GRANT}.")
        if form.get("scope"):
            raise UnknownScope("scope: leave it out: it is that of the application credential.")
        text, valid = log_in(self.read_client(form))
        lasts = valid.token.expires_at - timezone.now()
        shown = {
            "access_token": text,
            "expires_in": int(lasts.total_seconds()),
            "token_type": "Bearer",
        }
        return Response(shown, headers={"Cache-Control": "no-store"})

    def read_form(self) -> dict[str, str]:
        """The fields of the form.

        Raises:
            MalformedRequest: it is none, or has a field twice.
        """
        if self.request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != FORM:
            raise MalformedRequest(f"Send a form, as {FORM}.")
        try:
            pairs = parse_qsl(
                self.raw_body().decode(),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MOST_FIELDS,
            )
        except ValueError:
            raise MalformedRequest("The form is no UTF-8, or too large.") from None
        twice = {name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1}
        if twice:
            raise MalformedRequest(f"{min(twice)[:60]}: give it once.")
        return dict(pairs)

    def read_client(self, form: dict[str, str]) -> AuthRequest:
        """The client: by HTTP Basic, or in the form.

        Raises:
            MalformedRequest: by both.
            InvalidPassword: by neither.
        """
        told = (form.get("client_id", ""), form.get("client_secret", ""))
        client = told
        if "HTTP_AUTHORIZATION" in self.request.META:
            client = read_basic(self.request.META["HTTP_AUTHORIZATION"]) or ("", "")
            if told[1] or told[0] not in ("", client[0]):
                raise MalformedRequest("client_secret: show the client in one way alone.")
        if not all(client):
            raise InvalidPassword(
                "Show the id and the secret of an application credential, by HTTP Basic or as "
                "client_id and client_secret."
            )
        methods = ("application_credential",)
        return AuthRequest(methods=methods, credential_id=client[0], secret=client[1])

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return show_error

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if "WWW-Authenticate" in response:
            response["WWW-Authenticate"] = REALM
        return response


def show_error(error: Exception, _context: dict[str, Any]) -> Response:
    """As clients of OAuth read it (RFC 6749, 5.2); as in Keystone, what that does not name is
    ``other_error``.
    """
    fault: Fault = fault_of(error)
    told = fault.code if isinstance(fault, UnsupportedGrant | UnknownScope) else None
    word = told or WORDS.get(fault.status, "other_error")
    body = {"error": word, "error_description": fault.detail}
    return Response(body, status=fault.status, headers=fault.headers)

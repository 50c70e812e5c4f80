"""Tokens: issue, validate, revoke; and the catalogue."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.access_rules import SUPPORT
from compute_site.identity.catalog import catalog
from compute_site.identity.errors import (
    ForeignToken,
    MalformedRequest,
    NoProject,
    TokenNotFound,
)
from compute_site.identity.factors import MoreProofsNeeded
from compute_site.identity.login import log_in
from compute_site.identity.models import Revocation
from compute_site.identity.tokens import ValidToken, find_token, revoke_token
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView, render_error
from compute_site.neighbours.identity.api.filters import check_known
from compute_site.neighbours.identity.api.representation import (
    show_list,
    show_receipt,
    show_revocation,
    show_token,
)
from compute_site.neighbours.identity.api.serializers import moment_of
from compute_site.neighbours.identity.api.token_body import TokenBody
from compute_site.values.keys import WrongValue

SIGNATURE = "oauth1"
RECEIPT = "Openstack-Auth-Receipt"
VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?", re.ASCII)


class Tokens(IdentityView):
    """``/identity/v3/auth/tokens``"""

    def post(self, request: Request) -> Response:
        asked = TokenBody.read_body(self.read_body())
        if RECEIPT in request.headers:
            asked = dataclasses.replace(asked, receipt=request.headers[RECEIPT])
        if SIGNATURE in asked.methods:
            asked = dataclasses.replace(asked, signed=self.signed())
        text, valid = log_in(asked)
        return self.answer(valid, text, status=201)

    def get(self, request: Request) -> Response:
        text, valid = self.subject(policies.VALIDATE_TOKEN)
        return self.answer(valid, text)

    def delete(self, request: Request) -> Response:
        _, valid = self.subject(policies.REVOKE_TOKEN)
        revoke_token(valid.token)
        return Response(status=204)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return show_error

    def subject(self, rule: str) -> tuple[str, ValidToken]:
        """The token that the request is about.

        Raises:
            TokenNotFound: it is not valid.
            ForeignToken: it is another user's, and the rule is not granted.
        """
        caller = self.caller()
        text = self.request.META.get("HTTP_X_SUBJECT_TOKEN", "")
        valid = find_token(text)
        if valid is None:
            raise TokenNotFound("The token in X-Subject-Token is unknown, expired or revoked.")
        limited = valid.scope.access_rules is not None
        if limited and self.request.method != "DELETE" and not self.knows_access_rules():
            raise TokenNotFound(f"The token in X-Subject-Token is limited; send {SUPPORT}: 1.0.")
        if valid.user_id != caller.user_id and not self.holds(caller, rule):
            raise ForeignToken("The token in X-Subject-Token is another user's.")
        return text, valid

    def knows_access_rules(self) -> bool:
        """Does the service that asks say that it limits requests by access rules?"""
        text = self.request.headers.get(SUPPORT, "")
        return bool(VERSION.fullmatch(text)) and float(text) >= 1

    def answer(self, valid: ValidToken, text: str, *, status: int = 200) -> Response:
        with_catalog = "nocatalog" not in self.request.GET
        body = show_token(valid, root=self.root, with_catalog=with_catalog)
        return Response(body, status=status, headers={"X-Subject-Token": text})


def show_error(error: Exception, context: dict[str, Any]) -> Response:
    """As any error; where more proofs are needed, with the receipt of those that there were."""
    if not isinstance(error, MoreProofsNeeded):
        return render_error(error, context)
    headers = {RECEIPT: error.receipt.text}
    return Response(show_receipt(error.receipt), status=error.status, headers=headers)


class RevokedTokens(IdentityView):
    """``GET /identity/v3/OS-REVOKE/events``: the tokens that were ended before their time."""

    query_parameters = frozenset(("since",))

    def get(self, request: Request) -> Response:
        self.permit(policies.LIST_REVOKED)
        check_known(request.GET, self.query_parameters)
        rows = Revocation.objects.filter(expires_at__gt=timezone.now())
        since = request.GET.get("since")
        if since:
            rows = rows.filter(revoked_at__gte=read_since(since))
        items = [show_revocation(row) for row in rows]
        return Response(show_list("events", items, url=request.build_absolute_uri()))


def read_since(text: str) -> dt.datetime:
    """Raises: MalformedRequest: it is no time."""
    try:
        return moment_of(text)
    except WrongValue as error:
        raise MalformedRequest(f"since: {error}") from None


class Catalog(IdentityView):
    """``GET /identity/v3/auth/catalog``"""

    def get(self, request: Request) -> Response:
        caller = self.caller()
        if caller.is_unscoped:
            raise NoProject("A token for nothing has no catalogue.")
        found = catalog(self.root, project_id=caller.token.project_id, user_id=caller.user_id)
        url = f"{self.root}/identity/v3/auth/catalog"
        return Response(show_list("catalog", found, url=url))

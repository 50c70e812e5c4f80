"""OAuth 1.0a: consumers, how they ask for access, and what they have access to."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity import oauth
from compute_site.identity.assignments import find_role
from compute_site.identity.delegated import check_direct
from compute_site.identity.errors import MalformedRequest, NoSuchThing
from compute_site.identity.models import AccessToken, Consumer, RequestToken
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed
from compute_site.neighbours.identity.api.records import Kind, RecordDetail, RecordList
from compute_site.neighbours.identity.api.representation import (
    roles_of_trust,
    show_access,
    show_consumer,
    show_list,
    show_role,
    show_time,
)
from compute_site.neighbours.identity.api.serializers import AuthorizeBody, ConsumerBody
from compute_site.neighbours.identity.api.user import USER

FORM = "application/x-www-form-urlencoded"
PROJECT = "Requested-Project-Id"
CONSUMER = Kind(
    noun="consumer",
    plural="consumers",
    rows=Consumer.objects.all,
    rules=policies.CONSUMERS,
    body=ConsumerBody,
    listed=Listed({}, compared=frozenset()),
    order="created_at",
    show=show_consumer,
    make=oauth.make_consumer,
    change=oauth.change_consumer,
    remove=oauth.remove_consumer,
)


class ConsumerList(RecordList):
    """``/identity/v3/OS-OAUTH1/consumers``; the answer to ``POST`` alone has the secret."""

    of = CONSUMER

    def show_made(self, thing: Any) -> dict[str, Any]:
        return show_consumer(thing, root=self.root, secret=oauth.secret_of(thing))


class ConsumerDetail(RecordDetail):
    """``/identity/v3/OS-OAUTH1/consumers/{oauth_consumer_id}``"""

    of = CONSUMER


class RequestTokens(IdentityView):
    """``POST /identity/v3/OS-OAUTH1/request_token``: signed by the consumer, without a token."""

    open = True

    def post(self, request: Request) -> HttpResponse:
        signed = self.signed()
        project_id = request.headers.get(PROJECT, "")
        if not project_id:
            raise MalformedRequest(f"{PROJECT}: give the id of a project in this header.")
        return as_form(oauth.ask_for_access(signed, project_id))


class Authorize(IdentityView):
    """``PUT /identity/v3/OS-OAUTH1/authorize/{request_token_id}``: a user says yes."""

    bodies: ClassVar = {"put": ("", AuthorizeBody)}

    def put(self, request: Request, request_token_id: str) -> Response:
        caller = self.permit(policies.AUTHORIZE)
        roles = AuthorizeBody.read_body(self.read_body())["roles"]
        authorized = oauth.authorize(caller, request_token_id, roles)
        return Response({"token": {"oauth_verifier": authorized.verifier}})


class AccessTokens(IdentityView):
    """``POST /identity/v3/OS-OAUTH1/access_token``: signed by the consumer, without a token."""

    open = True

    def post(self, request: Request) -> HttpResponse:
        return as_form(oauth.fetch_access(self.signed()))


def as_form(made: RequestToken | AccessToken) -> HttpResponse:
    """A new token with its secret, which is told here and never again."""
    told = {"oauth_token": made.pk, "oauth_token_secret": oauth.secret_of(made)}
    if made.expires_at is not None:
        told["oauth_expires_at"] = show_time(made.expires_at)
    return HttpResponse(urlencode(told), status=201, content_type=FORM)


class AccessView(IdentityView):
    """What a user has given consumers access to."""

    def permitted(self, rule: str, user_id: str, *, own: bool = False) -> ValidToken:
        """``own``: users need no rule for what they have given themselves."""
        caller = self.permit(policies.ACCESSES[rule], owner=user_id if own else None)
        check_direct(caller)
        USER.find(user_id)
        return caller


class AccessList(AccessView):
    """``GET /identity/v3/users/{user_id}/OS-OAUTH1/access_tokens``"""

    def get(self, request: Request, user_id: str) -> Response:
        self.permitted("list_access_tokens", user_id)
        rows = AccessToken.objects.filter(user=user_id)
        items = [show_access(access, root=self.root) for access in rows]
        return Response(show_list("access_tokens", items, url=request.build_absolute_uri()))


class AccessDetail(AccessView):
    """``/identity/v3/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}``"""

    def get(self, request: Request, user_id: str, access_token_id: str) -> Response:
        self.permitted("get_access_token", user_id)
        access = oauth.find_access(user_id, access_token_id)
        return Response({"access_token": show_access(access, root=self.root)})

    def delete(self, request: Request, user_id: str, access_token_id: str) -> Response:
        caller = self.permitted("delete_access_token", user_id, own=True)
        oauth.remove_access(oauth.find_access(user_id, access_token_id), by=caller.user_id)
        return Response(status=204)


class AccessRoleList(AccessView):
    """``GET /identity/v3/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles``"""

    def get(self, request: Request, user_id: str, access_token_id: str) -> Response:
        self.permitted("list_access_token_roles", user_id)
        access = oauth.find_access(user_id, access_token_id)
        items = [show_role(role, root=self.root) for role in roles_of_trust(access)]
        return Response(show_list("roles", items, url=request.build_absolute_uri()))


class AccessRole(AccessView):
    """``GET …/OS-OAUTH1/access_tokens/{access_token_id}/roles/{role_id}``"""

    def get(self, request: Request, user_id: str, access_token_id: str, role_id: str) -> Response:
        self.permitted("get_access_token_role", user_id)
        if role_id not in oauth.find_access(user_id, access_token_id).roles:
            raise NoSuchThing(f"The access token does not have the role {role_id[:60]}.")
        return Response({"role": show_role(find_role(role_id), root=self.root)})

"""Registered limits, and the limits of projects and domains."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity import limits
from compute_site.identity.models import Limit, RegisteredLimit
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed
from compute_site.neighbours.identity.api.records import Kind, RecordDetail, RecordList
from compute_site.neighbours.identity.api.representation import show_limit, show_registered
from compute_site.neighbours.identity.api.serializers import (
    LimitBody,
    LimitChange,
    NewLimit,
    RegisteredBody,
)

REGISTERED = Kind(
    noun="registered_limit",
    plural="registered_limits",
    rows=RegisteredLimit.objects.all,
    rules=policies.REGISTERED,
    body=RegisteredBody,
    listed=Listed({name: name for name in limits.NAMING}, compared=frozenset()),
    order="resource_name",
    show=show_registered,
    make=limits.register_limits,
    change=limits.change_registered,
    remove=limits.remove_registered,
)
LIMIT = Kind(
    noun="limit",
    plural="limits",
    rows=lambda: Limit.objects.select_related("registered"),
    rules={**policies.LIMITS, "list": policies.LIST_LIMITS, "get": policies.GET_LIMIT},
    body=LimitChange,
    listed=Listed(
        {
            **{name: f"registered__{name}" for name in limits.NAMING},
            "project_id": "project",
            "domain_id": "domain",
        },
        compared=frozenset(),
    ),
    order="pk",
    show=show_limit,
    make=limits.make_limits,
    change=limits.change_limit,
    remove=limits.remove_limit,
)


class LimitModel(IdentityView):
    """``GET /identity/v3/limits/model``"""

    def get(self, request: Request) -> Response:
        self.caller()
        return Response({"model": limits.MODEL})


class SeveralList(RecordList):
    """Lists of which several are made at once."""

    new: type[LimitBody]

    def post(self, request: Request) -> Response:
        caller = self.permit(self.of.rules["create"])
        made = self.of.make(self.new.read_several(self.read_body()), by=caller.user_id)
        shown = [self.show(one) for one in made]
        return Response({self.of.plural: shown}, status=201)


class RegisteredList(SeveralList):
    """``/identity/v3/registered_limits``"""

    of = REGISTERED
    new = RegisteredBody


class RegisteredDetail(RecordDetail):
    """``/identity/v3/registered_limits/{id}``"""

    of = REGISTERED


class LimitList(SeveralList):
    """``/identity/v3/limits``: everybody sees those of the own project or domain."""

    of = LIMIT
    new = NewLimit

    def in_reach(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        caller = self.caller()
        if self.holds(caller, policies.LIST_LIMITS):
            return rows
        return rows.filter(own_limits(caller))


class LimitDetail(RecordDetail):
    """``/identity/v3/limits/{id}``"""

    of = LIMIT

    def permit_on(self, what: str, thing: Any) -> ValidToken:
        caller = self.caller()
        own = thing and what == "get" and Limit.objects.filter(own_limits(caller), pk=thing.pk)
        return caller if own and own.exists() else super().permit_on(what, thing)


def own_limits(caller: ValidToken) -> Q:
    """The limits of the project of the token, or of its domain and the projects in that."""
    token = caller.token
    if token.domain_id is not None:
        return Q(domain=token.domain_id) | Q(project__domain=token.domain_id)
    return Q(project=token.project_id) if token.project_id is not None else Q(pk__in=())

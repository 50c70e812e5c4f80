"""Domains, and those for which the caller can get a token."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.assignments import domains_of
from compute_site.identity.domains import change_domain, make_domain, remove_domain
from compute_site.identity.models import Domain, Project
from compute_site.identity.wide_roles import find_wide_roles
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed
from compute_site.neighbours.identity.api.records import Kind, RecordDetail, RecordList
from compute_site.neighbours.identity.api.representation import show_domain, show_list
from compute_site.neighbours.identity.api.serializers import DomainBody

DOMAIN = Kind(
    noun="domain",
    plural="domains",
    rows=Domain.objects.all,
    rules=policies.DOMAINS,
    body=DomainBody,
    listed=Listed({"name": "name", "enabled": "enabled"}, frozenset(("enabled",))),
    order="name",
    show=show_domain,
    make=make_domain,
    change=change_domain,
    remove=remove_domain,
    domain="pk",
)


class DomainList(RecordList):
    """``/identity/v3/domains``"""

    of = DOMAIN


class DomainDetail(RecordDetail):
    """``/identity/v3/domains/{id}``: everybody sees the domains of the token."""

    of = DOMAIN

    def get(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        token = self.caller().token
        own = {token.domain_id}
        if token.project_id is not None:
            own |= set(Project.objects.filter(pk=token.project_id).values_list("domain", flat=True))
        if key not in own:
            return super().get(request, **named)
        return Response({"domain": self.show(DOMAIN.find(key))})


class OwnDomains(IdentityView):
    """``GET /identity/v3/auth/domains``: the domains for which the caller can get a token."""

    def get(self, request: Request) -> Response:
        found: QuerySet[Domain] = domains_of(self.caller().user_id)
        items = [show_domain(domain, root=self.root) for domain in found]
        return Response(show_list("domains", items, url=request.build_absolute_uri()))


class OwnSystem(IdentityView):
    """``GET /identity/v3/auth/system``: whether the caller can get a token for the system."""

    def get(self, request: Request) -> Response:
        held = find_wide_roles(self.caller().user_id, None)
        system: list[Any] = [{"all": True}] if held else []
        return Response({"system": system, "links": {"self": request.build_absolute_uri()}})

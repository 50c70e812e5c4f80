"""Read-only views of the domain, the region, the services and the endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.catalog import REGION, catalog
from compute_site.identity.errors import NoSuchThing
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import check_known, is_true
from compute_site.neighbours.identity.api.representation import show_domain, show_list


class ListView(IdentityView):
    """A list, and its items by id.

    ``key`` is the outer key of one item; ``filters`` are the members that the query may filter by.
    ``rules`` are those for the list and for an item; without them, all who are signed in may.
    """

    key: str
    rules: tuple[str | None, str | None] = (None, None)
    filters: tuple[str, ...] = ()

    def items(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def get(self, request: Request, item_id: str | None = None) -> Response:
        rule = self.rules[0 if item_id is None else 1]
        if rule is None:
            self.caller()
        else:
            self.permit(rule)
        items = self.items()
        if item_id is not None:
            found = [item for item in items if item["id"] == item_id]
            if not found:
                raise NoSuchThing(f"There is no {self.key} {item_id}.")
            return Response({self.key: found[0]})
        check_known(request.GET, self.filters)
        for name in self.filters:
            if name in request.GET:
                wanted = is_true(request.GET, name) if name == "enabled" else request.GET[name]
                items = [item for item in items if item[name] == wanted]
        return Response(show_list(f"{self.key}s", items, url=request.build_absolute_uri()))

    def link(self, item_id: str) -> dict[str, str]:
        return {"self": f"{self.root}/identity/v3/{self.key}s/{item_id}"}


class Domains(ListView):
    """``GET /identity/v3/domains[/{id}]``"""

    key = "domain"
    rules = (policies.LIST_DOMAINS, None)
    filters = ("name", "enabled")

    def items(self) -> list[dict[str, Any]]:
        return [show_domain(root=self.root)]


class Regions(ListView):
    """``GET /identity/v3/regions[/{id}]``"""

    key = "region"
    filters = ("parent_region_id",)

    def items(self) -> list[dict[str, Any]]:
        return [
            {
                "id": REGION,
                "description": "",
                "parent_region_id": None,
                "links": self.link(REGION),
            }
        ]


class Services(ListView):
    """``GET /identity/v3/services[/{id}]``"""

    key = "service"
    rules = (policies.LIST_SERVICES, policies.GET_SERVICE)
    filters = ("name", "type")

    def items(self) -> list[dict[str, Any]]:
        return [
            {
                "id": service["id"],
                "type": service["type"],
                "name": service["name"],
                "description": "",
                "enabled": True,
                "links": self.link(service["id"]),
            }
            for service in catalog(self.root)
        ]


class Endpoints(ListView):
    """``GET /identity/v3/endpoints[/{id}]``"""

    key = "endpoint"
    rules = (policies.LIST_ENDPOINTS, policies.GET_ENDPOINT)
    filters = ("service_id", "interface", "region_id")

    def items(self) -> list[dict[str, Any]]:
        return [
            endpoint
            | {"service_id": service["id"], "enabled": True, "links": self.link(endpoint["id"])}
            for service in catalog(self.root)
            for endpoint in service["endpoints"]
        ]

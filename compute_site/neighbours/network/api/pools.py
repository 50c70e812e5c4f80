"""The network API v2.0 of subnet pools and address scopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.caller import Caller
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.filters import (
    DESCRIBED,
    OWNER,
    Narrow,
    by_number,
    by_switch,
)
from compute_site.neighbours.network.api.lists import ListView
from compute_site.neighbours.network.api.objects import DetailView, Kind, NetworkView
from compute_site.neighbours.network.api.representation import show_pool, show_scope
from compute_site.neighbours.network.local import pools, scopes
from compute_site.neighbours.network.models import AddressScope, SubnetPool
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.service_view import Filter, by_id

LENGTHS = ("min_prefixlen", "max_prefixlen", "default_prefixlen")


class Scopes(NetworkView):
    noun = "address_scope"
    narrowed: ClassVar[Mapping[str, Narrow]] = {}
    sorted_by: ClassVar[Mapping[str, str]] = {
        "id": "pk",
        "project_id": "project_id",
        "tenant_id": "project_id",
        **{key: key for key in ("name", "shared", "ip_version")},
    }
    kind = Kind(
        seen=policies.OWN["address_scope", "get"],
        new=serializers.ScopeCreate,
        create=scopes.create_scope,
        changed=serializers.ScopeUpdate,
        change=scopes.change_scope,
        delete=scopes.delete_scope,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "name": Filter("name"),
        "shared": by_switch("shared"),
        "ip_version": by_number("ip_version"),
    }

    def rows(self) -> QuerySet[AddressScope]:
        return AddressScope.objects.visible_to(self.caller)

    def show(self, row: AddressScope) -> dict[str, Any]:
        return show_scope(row)


class ScopeList(Scopes, ListView):
    pass


class ScopeDetail(Scopes, DetailView):
    pass


class Pools(NetworkView):
    noun = "subnetpool"
    sorted_by: ClassVar[Mapping[str, str]] = {
        **NetworkView.sorted_by,
        **{key: key for key in ("shared", "is_default", "ip_version", "default_quota", *LENGTHS)},
        "address_scope_id": "scope_id",
    }
    kind = Kind(
        seen=policies.OWN["subnetpool", "get"],
        new=serializers.PoolCreate,
        create=pools.create_pool,
        changed=serializers.PoolUpdate,
        change=pools.change_pool,
        delete=pools.delete_pool,
        tagged=policies.OWN["subnetpool", "update"],
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "shared": by_switch("shared"),
        "is_default": by_switch("is_default"),
        **{key: by_number(key) for key in ("ip_version", "default_quota", *LENGTHS)},
        "address_scope_id": by_id("scope"),
    }

    def rows(self) -> QuerySet[SubnetPool]:
        return SubnetPool.objects.visible_to(self.caller)

    def show(self, row: SubnetPool) -> dict[str, Any]:
        return show_pool(row)


class PoolList(Pools, ListView):
    pass


class PoolDetail(Pools, DetailView):
    pass


class PrefixesView(Pools):
    """Ranges come into a pool or leave it, whatever else it has: by ``change``."""

    bodies: ClassVar[Mapping[str, tuple[str, type[BodySerializer]]]] = {
        "put": ("", serializers.Prefixes)
    }

    change: Callable[[Caller, SubnetPool, Sequence[str]], SubnetPool]

    def put(self, request: Request, row_id: str) -> Response:
        pool = self.find_row(row_id)
        asked = self.read_whole(serializers.Prefixes, "prefixes")
        changed = self.change(self.caller, pool, asked.values["prefixes"])
        return Response({"prefixes": changed.prefixes})


class AddPrefixes(PrefixesView):
    """``PUT /network/v2.0/subnetpools/{id}/add_prefixes``"""

    change = staticmethod(pools.add_prefixes)


class RemovePrefixes(PrefixesView):
    """``PUT /network/v2.0/subnetpools/{id}/remove_prefixes``"""

    change = staticmethod(pools.remove_prefixes)

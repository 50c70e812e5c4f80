"""The network API v2.0 of ``rbac-policies``: networks that are opened to single projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet

from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.filters import OWNER, Narrow, narrow_by_type
from compute_site.neighbours.network.api.lists import ListView
from compute_site.neighbours.network.api.objects import DetailView, Kind, NetworkView
from compute_site.neighbours.network.api.representation import show_access
from compute_site.neighbours.network.local import access
from compute_site.neighbours.network.models import NetworkAccess
from compute_site.neighbours.service_view import Filter, by_id


class Accesses(NetworkView):
    noun = "rbac_policy"
    nouns = "rbac_policies"
    order = (("pk", False),)
    narrowed: ClassVar[Mapping[str, Narrow]] = {"object_type": narrow_by_type}
    sorted_by: ClassVar[Mapping[str, str]] = {
        "id": "pk",
        "object_id": "network_id",
        "target_tenant": "target_project",
        "project_id": "project_id",
        "tenant_id": "project_id",
        "action": "action",
    }
    kind = Kind(
        seen=policies.GET_RBAC,
        new=serializers.AccessCreate,
        create=access.create_access,
        changed=serializers.AccessUpdate,
        change=access.change_access,
        delete=access.delete_access,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "object_id": by_id("network"),
        "action": Filter("action"),
        "target_tenant": Filter("target_project"),
    }

    def rows(self) -> QuerySet[NetworkAccess]:
        return NetworkAccess.objects.visible_to(self.caller)

    def show(self, row: NetworkAccess) -> dict[str, Any]:
        return show_access(row)


class AccessList(Accesses, ListView):
    takes_several = False


class AccessDetail(Accesses, DetailView):
    pass

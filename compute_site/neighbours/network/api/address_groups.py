"""The network API v2.0 of address groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.caller import Caller
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.filters import DESCRIBED, Narrow
from compute_site.neighbours.network.api.lists import ListView
from compute_site.neighbours.network.api.objects import DetailView, Kind, NetworkView
from compute_site.neighbours.network.api.representation import show_address_group
from compute_site.neighbours.network.local import address_groups
from compute_site.neighbours.network.models import AddressGroup
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.service_view import Filter


class AddressGroups(NetworkView):
    noun = "address_group"
    narrowed: ClassVar[Mapping[str, Narrow]] = {}
    kind = Kind(
        seen=policies.OWN["address_group", "get"],
        new=serializers.AddressGroupCreate,
        create=address_groups.create_address_group,
        changed=serializers.AddressGroupUpdate,
        change=address_groups.change_address_group,
        delete=address_groups.delete_address_group,
    )
    filters: ClassVar[Mapping[str, Filter]] = {**DESCRIBED, "name": Filter("name")}

    def rows(self) -> QuerySet[AddressGroup]:
        return AddressGroup.objects.visible_to(self.caller)

    def show(self, row: AddressGroup) -> dict[str, Any]:
        return show_address_group(row)


class AddressGroupList(AddressGroups, ListView):
    pass


class AddressGroupDetail(AddressGroups, DetailView):
    pass


class AddressesView(AddressGroups):
    """Ranges come into a group or leave it: by ``change``."""

    bodies: ClassVar[Mapping[str, tuple[str, type[BodySerializer]]]] = {
        "put": ("", serializers.Addresses)
    }

    change: Callable[[Caller, AddressGroup, Sequence[str]], AddressGroup]

    def put(self, request: Request, row_id: str) -> Response:
        group = self.find_row(row_id)
        asked = self.read_whole(serializers.Addresses, "addresses")
        changed = self.change(self.caller, group, asked.values["addresses"])
        return Response({self.noun: self.show(changed)})


class AddAddresses(AddressesView):
    """``PUT /network/v2.0/address-groups/{id}/add_addresses``"""

    change = staticmethod(address_groups.add_addresses)


class RemoveAddresses(AddressesView):
    """``PUT /network/v2.0/address-groups/{id}/remove_addresses``"""

    change = staticmethod(address_groups.remove_addresses)

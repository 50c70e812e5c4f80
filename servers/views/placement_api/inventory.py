"""``/resource_providers/{provider_id}/inventories``"""

from __future__ import annotations

import datetime as dt

from rest_framework.request import Request
from rest_framework.response import Response

from servers.placement.resources.inventories import (
    Inventories,
    add_inventory,
    delete_inventories,
    delete_inventory,
    find_inventory,
    list_inventories,
    replace_inventories,
    update_inventory,
)
from servers.placement.resources.providers import find_provider
from servers.policies import placement_api as rules
from servers.serializers.placement_api.inventory import (
    INVENTORIES,
    ONE_INVENTORY,
    InventoriesReplace,
    InventoryCreate,
    InventoryUpdate,
    show_all,
    show_one,
)
from servers.views.placement_api.view import Operation, PlacementView, latest, read_provider_id


def changed_at(found: Inventories) -> dt.datetime | None:
    return latest(row.updated_at or row.created_at for row in found.rows)


class ProviderInventories(PlacementView):
    """The inventories of a provider."""

    operations = {
        "GET": Operation(summary="List the inventories of a provider", answer=INVENTORIES),
        "POST": Operation(
            summary="Create an inventory",
            body=InventoryCreate,
            answer=ONE_INVENTORY,
            status=201,
            faults=(409,),
        ),
        "PUT": Operation(
            summary="Replace all inventories of a provider",
            body=InventoriesReplace,
            answer=INVENTORIES,
            faults=(409,),
        ),
        "DELETE": Operation(
            summary="Delete all inventories of a provider",
            since="1.5",
            status=204,
            faults=(405, 409),
        ),
    }

    def get(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.LIST_INVENTORIES)
        found = list_inventories(read_provider_id(provider_id))
        return self.answer(show_all(found), modified=changed_at(found))

    def post(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.CREATE_INVENTORY)
        key = read_provider_id(provider_id)
        find_provider(key)
        order = self.read_json(InventoryCreate)
        name = order.resource_class
        found = add_inventory(key, name, order.stock, generation=order.generation)
        return self.answer(
            show_one(found),
            status=201,
            location=f"/resource_providers/{key}/inventories/{name}",
            modified=changed_at(found),
        )

    def put(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.UPDATE_INVENTORIES)
        key = read_provider_id(provider_id)
        find_provider(key)
        order = self.read_json(InventoriesReplace)
        found = replace_inventories(key, order.stocks, generation=order.generation)
        return self.answer(show_all(found), modified=changed_at(found))

    def delete(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.DELETE_INVENTORIES)
        delete_inventories(read_provider_id(provider_id))
        return self.answer(status=204)


class OneInventory(PlacementView):
    """One inventory."""

    operations = {
        "GET": Operation(summary="Show an inventory", answer=ONE_INVENTORY),
        "PUT": Operation(
            summary="Change an inventory",
            body=InventoryUpdate,
            answer=ONE_INVENTORY,
            faults=(409,),
        ),
        "DELETE": Operation(summary="Delete an inventory", status=204, faults=(409,)),
    }

    def get(self, request: Request, provider_id: str, resource_class: str) -> Response:
        self.permit(rules.SHOW_INVENTORY)
        found = find_inventory(read_provider_id(provider_id), resource_class)
        return self.answer(show_one(found), modified=changed_at(found))

    def put(self, request: Request, provider_id: str, resource_class: str) -> Response:
        self.permit(rules.UPDATE_INVENTORIES)
        key = read_provider_id(provider_id)
        find_provider(key)
        order = self.read_json(InventoryUpdate)
        found = update_inventory(key, resource_class, order.stock, generation=order.generation)
        return self.answer(show_one(found), modified=changed_at(found))

    def delete(self, request: Request, provider_id: str, resource_class: str) -> Response:
        self.permit(rules.DELETE_INVENTORIES)
        delete_inventory(read_provider_id(provider_id), resource_class)
        return self.answer(status=204)

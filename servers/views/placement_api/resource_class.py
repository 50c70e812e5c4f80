"""``/resource_classes``"""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.version import Microversion
from servers.placement.resources.names import (
    create_class,
    delete_class,
    ensure_class,
    find_class,
    list_classes,
    rename_class,
)
from servers.policies import placement_api as rules
from servers.serializers.placement_api.resource_class import CLASS, CLASSES, ClassBody, show_class
from servers.views.placement_api.view import Operation, PlacementView, latest

MADE_BY_PUT = Microversion.parse("1.7")


class ResourceClasses(PlacementView):
    """All resource classes."""

    since = "1.2"
    operations = {
        "GET": Operation(summary="List resource classes", answer=CLASSES),
        "POST": Operation(
            summary="Create a resource class", body=ClassBody, status=201, faults=(409,)
        ),
    }

    def get(self, request: Request) -> Response:
        self.permit(rules.LIST_CLASSES)
        found = list_classes()
        return self.answer(
            {"resource_classes": [show_class(name, self.prefix) for name, _ in found]},
            modified=latest(time for _, time in found),
        )

    def post(self, request: Request) -> Response:
        self.permit(rules.CREATE_CLASS)
        name = self.read_json(ClassBody)
        create_class(name)
        return self.answer(status=201, location=f"/resource_classes/{name}")


class OneResourceClass(PlacementView):
    """One resource class. ``PUT`` renames it until 1.6, and makes it from 1.7 on."""

    since = "1.2"
    operations = {
        "GET": Operation(summary="Show a resource class", answer=CLASS),
        "PUT": Operation(
            summary="Create a resource class, or rename it (until 1.6)",
            body=ClassBody,
            body_until="1.6",
            status=201,
            faults=(409,),
        ),
        "DELETE": Operation(summary="Delete a resource class", status=204, faults=(409,)),
    }

    def get(self, request: Request, name: str) -> Response:
        self.permit(rules.SHOW_CLASS)
        found, changed_at = find_class(name)
        return self.answer(show_class(found, self.prefix), modified=changed_at)

    def put(self, request: Request, name: str) -> Response:
        self.permit(rules.UPDATE_CLASS)
        if self.version < MADE_BY_PUT:
            new = self.read_json(ClassBody)
            rename_class(name, new)
            return self.answer(show_class(new, self.prefix))
        made = ensure_class(ClassBody.read({"name": name}, self.version))
        return self.answer(status=201 if made else 204, location=f"/resource_classes/{name}")

    def delete(self, request: Request, name: str) -> Response:
        self.permit(rules.DELETE_CLASS)
        delete_class(name)
        return self.answer(status=204)

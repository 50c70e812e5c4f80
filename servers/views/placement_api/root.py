"""The version document, which clients read before they log in."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.answers import OBJECT
from servers.serializers.placement_api.fields import object_of
from servers.views.placement_api.versions import NEWEST, OLDEST
from servers.views.placement_api.view import Operation, PlacementView


class Root(PlacementView):
    """``/placement``"""

    open = True
    operations = {
        "GET": Operation(
            summary="Show the microversions",
            answer=object_of(versions={"type": "array", "items": OBJECT}),
        )
    }

    def get(self, request: Request) -> Response:
        version = {
            "id": f"v{OLDEST}",
            "status": "CURRENT",
            "min_version": str(OLDEST),
            "max_version": str(NEWEST),
            "links": [{"rel": "self", "href": ""}],
        }
        return self.answer({"versions": [version]})

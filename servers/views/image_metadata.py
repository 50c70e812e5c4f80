"""``/images/{id}/metadata``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.answers import OBJECT
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.errors import ItemMissing
from servers.proxies.image_metadata import (
    add_image_metadata,
    read_image_item,
    read_image_metadata,
    remove_image_item,
    replace_image_metadata,
)
from servers.serializers.metadata import ItemChange, MetadataChange

ALL = {"metadata": OBJECT}
ONE = {"meta": OBJECT}


class ImageMetadata(ComputeView):
    """All properties of an image."""

    until = "2.38"
    contracts = {
        "GET": Contract(summary="List metadata of an image", answer=ALL),
        "POST": Contract(
            summary="Add metadata to an image",
            body=MetadataChange,
            answer=ALL,
            faults=(403,),
            example={"metadata": {"purpose": "trial"}},
        ),
        "PUT": Contract(
            summary="Replace the metadata of an image",
            body=MetadataChange,
            example={"metadata": {"purpose": "trial"}},
            answer=ALL,
            faults=(403,),
        ),
    }

    def get(self, request: ComputeRequest, image_id: str) -> Response:
        return self.answer({"metadata": read_image_metadata(request.caller, image_id)})

    def post(self, request: ComputeRequest, image_id: str) -> Response:
        items = self.read(MetadataChange)
        return self.answer({"metadata": add_image_metadata(request.caller, image_id, items)})

    def put(self, request: ComputeRequest, image_id: str) -> Response:
        items = self.read(MetadataChange)
        return self.answer({"metadata": replace_image_metadata(request.caller, image_id, items)})


class ImageMetadataItem(ComputeView):
    """One property of an image."""

    until = "2.38"
    contracts = {
        "GET": Contract(summary="Show a metadata item of an image", answer=ONE),
        "PUT": Contract(
            summary="Set a metadata item of an image",
            body=ItemChange,
            answer=ONE,
            faults=(403,),
            example={"meta": {"purpose": "trial"}},
        ),
        "DELETE": Contract(summary="Remove a metadata item of an image", status=204, faults=(403,)),
    }

    def get(self, request: ComputeRequest, image_id: str, key: str) -> Response:
        return self.answer({"meta": {key: read_image_item(request.caller, image_id, key)}})

    def put(self, request: ComputeRequest, image_id: str, key: str) -> Response:
        item = self.read(ItemChange)
        if key not in item:
            raise ItemMissing(f"The body does not set {key[:255]}.", field="meta")
        add_image_metadata(request.caller, image_id, item)
        return self.answer({"meta": item})

    def delete(self, request: ComputeRequest, image_id: str, key: str) -> Response:
        remove_image_item(request.caller, image_id, key)
        return self.answer(status=204)

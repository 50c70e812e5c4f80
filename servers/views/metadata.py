"""``/servers/{id}/metadata``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.answers import OBJECT
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.edit.metadata import (
    add_metadata,
    read_item,
    read_metadata,
    remove_item,
    replace_metadata,
)
from servers.errors import ItemMissing
from servers.policies import metadata as rules
from servers.read.find import find_server
from servers.serializers.metadata import ItemChange, MetadataChange

ALL = {"metadata": OBJECT}
ONE = {"meta": OBJECT}


class Metadata(ComputeView):
    """All metadata of a server."""

    contracts = {
        "GET": Contract(summary="List metadata of a server", query=NoQuery, answer=ALL),
        "POST": Contract(
            summary="Add metadata to a server",
            body=MetadataChange,
            answer=ALL,
            faults=(403, 409),
            example={"metadata": {"purpose": "trial"}},
        ),
        "PUT": Contract(
            summary="Replace the metadata of a server",
            body=MetadataChange,
            example={"metadata": {"purpose": "trial"}},
            answer=ALL,
            faults=(403, 409),
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        return self.answer({"metadata": read_metadata(instance)})

    def post(self, request: ComputeRequest, server_id: str) -> Response:
        items = self.read(MetadataChange)
        instance = find_server(request.caller, server_id, rules.CREATE)
        return self.answer({"metadata": add_metadata(request.caller, instance, items)})

    def put(self, request: ComputeRequest, server_id: str) -> Response:
        items = self.read(MetadataChange)
        instance = find_server(request.caller, server_id, rules.UPDATE_ALL)
        return self.answer({"metadata": replace_metadata(request.caller, instance, items)})


class MetadataItem(ComputeView):
    """One metadata item of a server."""

    contracts = {
        "GET": Contract(summary="Show a metadata item of a server", query=NoQuery, answer=ONE),
        "PUT": Contract(
            summary="Set a metadata item of a server",
            body=ItemChange,
            example={"meta": {"purpose": "trial"}},
            answer=ONE,
            faults=(403, 409),
        ),
        "DELETE": Contract(
            summary="Remove a metadata item of a server", status=204, faults=(403, 409)
        ),
    }

    def get(self, request: ComputeRequest, server_id: str, key: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        return self.answer({"meta": {key: read_item(instance, key)}})

    def put(self, request: ComputeRequest, server_id: str, key: str) -> Response:
        item = self.read(ItemChange)
        instance = find_server(request.caller, server_id, rules.UPDATE)
        if key not in item:
            raise ItemMissing(f"The body does not set {key[:255]}.", field="meta")
        add_metadata(request.caller, instance, item)
        return self.answer({"meta": item})

    def delete(self, request: ComputeRequest, server_id: str, key: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE)
        remove_item(request.caller, instance, key)
        return self.answer(status=204)

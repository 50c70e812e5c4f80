"""``/servers/{id}/tags``."""

from __future__ import annotations

from urllib.parse import quote

from rest_framework.response import Response

from compute_site.api.microversions.answers import TEXTS
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.faults import FieldFault, InvalidBody
from servers.edit.tags import (
    add_tag,
    check_has_tag,
    read_tags,
    remove_all_tags,
    remove_tag,
    replace_tags,
)
from servers.policies import tag as rules
from servers.read.find import find_server
from servers.serializers.tag import TagsChange

ALL = {"tags": TEXTS}


class Tags(ComputeView):
    """All tags of a server."""

    since = "2.26"
    contracts = {
        "GET": Contract(summary="List the tags of a server", query=NoQuery, answer=ALL),
        "PUT": Contract(
            summary="Replace the tags of a server",
            body=TagsChange,
            answer=ALL,
            faults=(403, 409),
            example={"tags": ["blue", "trial"]},
        ),
        "DELETE": Contract(summary="Remove all tags of a server", status=204, faults=(403, 409)),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        return self.answer({"tags": read_tags(instance)})

    def put(self, request: ComputeRequest, server_id: str) -> Response:
        tags = self.read(TagsChange)
        instance = find_server(request.caller, server_id, rules.UPDATE_ALL)
        return self.answer({"tags": replace_tags(instance, tags)})

    def delete(self, request: ComputeRequest, server_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE_ALL)
        remove_all_tags(instance)
        return self.answer(status=204)


class Tag(ComputeView):
    """One tag of a server."""

    since = "2.26"
    contracts = {
        "GET": Contract(summary="Ask whether a server has a tag", query=NoQuery, status=204),
        "PUT": Contract(
            summary="Add a tag to a server",
            status=201,
            faults=(403, 409),
            headers={"Location": "The tag."},
        ),
        "DELETE": Contract(summary="Remove a tag of a server", status=204, faults=(403, 409)),
    }

    def get(self, request: ComputeRequest, server_id: str, tag: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        check_has_tag(instance, tag)
        return self.answer(status=204)

    def put(self, request: ComputeRequest, server_id: str, tag: str) -> Response:
        if self.body is not None:
            raise InvalidBody([FieldFault("", "wrong_type", "send no body; the URL says it all")])
        instance = find_server(request.caller, server_id, rules.UPDATE)
        if not add_tag(instance, tag):
            return self.answer(status=204)
        location = self.links.self_link("servers", f"{server_id}/tags/{quote(tag)}")
        return self.answer(status=201, headers={"Location": location})

    def delete(self, request: ComputeRequest, server_id: str, tag: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE)
        remove_tag(instance, tag)
        return self.answer(status=204)

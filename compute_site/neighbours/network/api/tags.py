"""The tags of the objects of the network API, at URLs of their own."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.objects import NetworkView
from compute_site.neighbours.network.local import tags


class TaggedView(NetworkView):
    """Below the URL of one object."""

    def read_tags(self) -> list[str]:
        """The tags that the body lists."""
        return list(self.read_whole(serializers.Tags, "a list of tags").values["tags"])


class TagsView(TaggedView):
    """``/network/v2.0/{nouns}/{id}/tags``"""

    def get(self, request: Request, row_id: str) -> Response:
        return Response({"tags": self.find_row(row_id).tags})

    def put(self, request: Request, row_id: str) -> Response:
        row, wanted = self.find_row(row_id), self.read_tags()
        return Response({"tags": tags.set_tags(self.caller, row, self.kind.tagged, wanted)})

    def post(self, request: Request, row_id: str) -> Response:
        row, more = self.find_row(row_id), self.read_tags()
        tags.add_tags(self.caller, row, self.kind.tagged, more)
        return Response({"tags": more})

    def delete(self, request: Request, row_id: str) -> Response:
        tags.set_tags(self.caller, self.find_row(row_id), self.kind.tagged, [])
        return Response(status=204)


class TagView(TaggedView):
    """``/network/v2.0/{nouns}/{id}/tags/{tag}``"""

    def get(self, request: Request, row_id: str, tag: str) -> Response:
        tags.check_tagged(self.find_row(row_id).tags, tag)
        return Response(status=204)

    def put(self, request: Request, row_id: str, tag: str) -> Response:
        row = self.find_row(row_id)
        tags.add_tags(self.caller, row, self.kind.tagged, [tag])
        return Response(status=201)

    def delete(self, request: Request, row_id: str, tag: str) -> Response:
        tags.remove_tag(self.caller, self.find_row(row_id), self.kind.tagged, tag)
        return Response(status=204)


def tags_of(kind: type[NetworkView]) -> tuple[Any, Any]:
    """The views of all tags and of one tag of such objects."""
    views = (
        type(f"{base.__name__}Of{kind.__name__}", (base, kind), {"__doc__": base.__doc__})
        for base in (TagsView, TagView)
    )
    several, one = (view.as_view() for view in views)  # type: ignore[attr-defined] # they are views
    return several, one

"""The image API v2: as much as clients need to find and make images."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.bodies import stream_body
from compute_site.faults import BadRequest, Fault, NotFound, UnsupportedMediaType
from compute_site.keys import read_keys
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.api.download import BINARY, answer_download
from compute_site.neighbours.image.api.representation import IMAGE_SCHEMA, IMAGES_SCHEMA, show_image
from compute_site.neighbours.image.api.shapes import NEW_IMAGE
from compute_site.neighbours.image.data import uploads
from compute_site.neighbours.image.local import changes
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.service_view import Filter, ServiceView, by_id, phrase

NEWEST_MINOR = 9
IMPORT_KEYS = {"method", "all_stores", "all_stores_must_succeed"}
"""There is one store, so that the keys about stores change nothing."""


def ids(words: list[str]) -> list[Any]:
    """``in:a,b`` names several ids."""
    return by_id().read([part for word in words for part in word.removeprefix("in:").split(",")])


def texts(words: list[str]) -> list[str]:
    """``in:a,b`` names several texts; one with a comma is in quotes."""
    found = []
    for word in words:
        parts = word.removeprefix("in:").split(",") if word.startswith("in:") else [word]
        found += [part.strip('"') for part in parts]
    return found


class ImageView(ServiceView):
    def show_error(self, fault: Fault) -> dict[str, Any]:
        title = phrase(fault.status)
        return {"code": f"{fault.status} {title}", "title": title, "message": fault.detail}

    def find_image(self, image_id: str) -> Image:
        """The image, which the caller may see."""
        self.caller.permit(policies.SHOW)
        return self.find(Image.objects.visible_to(self.caller), image_id, "image")


class Versions(ImageView):
    """``GET /image/`` and ``/image/versions``: multiple choices; below ``/image/v2`` the one."""

    open = True
    status: ClassVar[int] = 300

    def get(self, request: Request) -> Response:
        link = {"rel": "self", "href": f"{self.root}/image/v2/"}
        versions = [
            {
                "id": f"v2.{minor}",
                "status": "CURRENT" if minor == NEWEST_MINOR else "SUPPORTED",
                "links": [link],
            }
            for minor in range(NEWEST_MINOR, -1, -1)
        ]
        return Response({"versions": versions}, status=self.status)


SORT_COLUMNS = {
    "created_at": "created_at",
    "updated_at": "updated_at",
    "name": "name",
    "status": "status",
    "size": "size",
    "disk_format": "disk_format",
    "container_format": "container_format",
}
NO_PROPERTIES = {
    *SORT_COLUMNS,
    *("limit", "marker", "sort", "sort_key", "sort_dir", "tag", "member_status", "os_hidden"),
    *("protected", "checksum", "min_ram", "min_disk", "size_min", "size_max", "owner"),
}
"""Other parameters of a list."""


class ImageList(ImageView):
    """``GET`` and ``POST /image/v2/images``"""

    filters: ClassVar = {
        "id": Filter("pk", ids),
        "name": Filter("name", texts),
        "status": Filter("status", texts),
        "visibility": Filter("visibility"),
        "owner": Filter("owner"),
        "disk_format": Filter("disk_format", texts),
        "container_format": Filter("container_format", texts),
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST)
        rows = Image.objects.visible_to(self.caller)
        if not {"visibility", "id"} & set(request.GET):
            rows = rows.listed_for(self.caller)
        if tags := request.GET.getlist("tag"):
            rows = rows.filter(tags__contains=tags)
        images = self.page(self.filtered(self.with_properties(rows)), *self.order())
        body: dict[str, Any] = {
            "images": [show_image(image) for image in images],
            "first": "/v2/images",
            "schema": "/v2/schemas/images",
        }
        if self.more and images:
            body["next"] = self.next_url("/v2/images", images[-1])
        return Response(body)

    def with_properties(self, rows: QuerySet[Image]) -> QuerySet[Image]:
        """Filter by the parameters that are no fields of images: they name properties."""
        properties = {
            name: value
            for name, value in self.request.GET.items()
            if name not in self.filters and name not in NO_PROPERTIES
        }
        return rows.filter(properties__contains=properties) if properties else rows

    def order(self) -> list[str]:
        """The columns to sort by; by default, the newest first.

        Raises:
            BadRequest: images are not sorted by one of them.
        """
        given = self.request.GET
        words = [word.partition(":")[::2] for word in given.get("sort", "").split(",") if word]
        ways = given.getlist("sort_dir")
        words += zip_longest(given.getlist("sort_key"), ways[: len(given.getlist("sort_key"))])
        columns = []
        for key, way in words or [("created_at", "desc")]:
            if key not in SORT_COLUMNS:
                raise BadRequest(f"Images are sorted by {', '.join(SORT_COLUMNS)}, not by {key}.")
            columns.append(SORT_COLUMNS[key] if way == "asc" else f"-{SORT_COLUMNS[key]}")
        return [*columns, "-pk"]

    def post(self, request: Request) -> Response:
        body = self.read_body()
        if not isinstance(body, dict):
            raise BadRequest("Send an object with the keys of the image.")
        values, problems = read_keys(body, NEW_IMAGE, rest=changes.PROPERTIES)
        if problems:
            raise BadRequest("; ".join(problems))
        image = changes.create_image(self.caller, values)
        location = {"Location": f"{self.root}/image/v2/images/{image.pk}"}
        return Response(show_image(image), status=201, headers=location)


class ImageDetail(ImageView):
    """``GET``, ``PATCH`` and ``DELETE /image/v2/images/{image_id}``"""

    def get(self, request: Request, image_id: str) -> Response:
        return Response(show_image(self.find_image(image_id)))

    def patch(self, request: Request, image_id: str) -> Response:
        image = self.find_image(image_id)
        body = self.read_body()
        if not isinstance(body, list):
            raise BadRequest("Send a JSON patch: a list of operations.")
        return Response(show_image(changes.change_image(self.caller, image, body)))

    def delete(self, request: Request, image_id: str) -> Response:
        changes.delete_images(self.caller, [self.find_image(image_id)])
        return Response(status=204)


class ImageFile(ImageView):
    """``/image/v2/images/{image_id}/file``: the data of an image."""

    def get(self, request: Request, image_id: str) -> HttpResponseBase:
        image = self.find_image(image_id)
        self.caller.permit(policies.DOWNLOAD)
        return answer_download(self.caller, image, asked_range(request))

    def put(self, request: Request, image_id: str) -> Response:
        uploads.upload(self.caller, self.find_image(image_id), binary_body(request))
        return Response(status=204)


class ImageStage(ImageView):
    """``PUT /image/v2/images/{image_id}/stage``: data that are imported later."""

    def put(self, request: Request, image_id: str) -> Response:
        uploads.stage(self.caller, self.find_image(image_id), binary_body(request))
        return Response(status=204)


class ImageImport(ImageView):
    """``POST /image/v2/images/{image_id}/import``: makes staged data those of the image."""

    def post(self, request: Request, image_id: str) -> Response:
        image, body = self.find_image(image_id), self.read_body()
        if not isinstance(body, dict) or body.keys() - IMPORT_KEYS:
            raise BadRequest('Send {"method": {"name": "glance-direct"}}.')
        uploads.import_staged(self.caller, image, body.get("method"))
        return Response(status=202)


class ImportInfo(ImageView):
    """``GET /image/v2/info/import``"""

    def get(self, request: Request) -> Response:
        methods = {
            "description": "How data can be imported.",
            "type": "array",
            "value": ["glance-direct"],
        }
        return Response({"import-methods": methods})


class StoresInfo(ImageView):
    """``GET /image/v2/info/stores``"""

    def get(self, request: Request) -> Response:
        return Response({"stores": [{"id": "local", "default": "true"}]})


def binary_body(request: Request) -> Iterator[bytes]:
    """The body in pieces.

    Raises:
        UnsupportedMediaType: it is not sent as plain bytes.
    """
    if request.META.get("CONTENT_TYPE", "").partition(";")[0].strip() != BINARY:
        raise UnsupportedMediaType(f"Send the data as {BINARY}.")
    return stream_body(request._request)  # noqa: SLF001 - DRF's parsers would read all of it


def asked_range(request: Request) -> str | None:
    """``Range``, or ``Content-Range``, which stood for it before."""
    return request.headers.get("Range") or request.headers.get("Content-Range")


class ImageAction(ImageView):
    """``POST /image/v2/images/{image_id}/actions/…``: sets the image to ``status``."""

    status: ClassVar[str] = "active"

    def post(self, request: Request, image_id: str) -> Response:
        changes.set_status(self.caller, self.find_image(image_id), self.status)
        return Response(status=204)


class ImageTasks(ImageView):
    """``GET /image/v2/images/{image_id}/tasks``: imports; always empty, as they need no time."""

    def get(self, request: Request, image_id: str) -> Response:
        self.find_image(image_id)
        return Response({"tasks": []})


class ImageSchema(ImageView):
    """``GET /image/v2/schemas/image``"""

    def get(self, request: Request) -> Response:
        return Response(IMAGE_SCHEMA)


class ImagesSchema(ImageView):
    """``GET /image/v2/schemas/images``"""

    def get(self, request: Request) -> Response:
        return Response(IMAGES_SCHEMA)


class UnknownImageUrl(ImageView):
    """Every other path below ``/image``."""

    def get(self, request: Request, **_: Any) -> Response:
        raise NotFound(f"There is nothing at {request.path}.")

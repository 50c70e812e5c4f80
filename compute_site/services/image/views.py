"""The image API v2: what clients need to find an image."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import Fault, NotFound
from compute_site.services.facade import Filter, ServiceView, by_id, phrase
from compute_site.services.image.models import Image
from compute_site.services.image.representation import IMAGE_SCHEMA, IMAGES_SCHEMA, show_image

NEWEST_MINOR = 9


def ids(words: list[str]) -> list[Any]:
    """``in:a,b`` names several ids."""
    return by_id().read([part for word in words for part in word.removeprefix("in:").split(",")])


def texts(words: list[str]) -> list[str]:
    """``in:a,b`` names several words; one with a comma stands in quotes."""
    found = []
    for word in words:
        parts = word.removeprefix("in:").split(",") if word.startswith("in:") else [word]
        found += [part.strip('"') for part in parts]
    return found


class ImageView(ServiceView):
    def show_error(self, fault: Fault) -> dict[str, Any]:
        title = phrase(fault.status)
        return {"code": f"{fault.status} {title}", "title": title, "message": fault.detail}


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


class ImageList(ImageView):
    """``GET /image/v2/images``"""

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
        rows = Image.objects.visible_to(self.caller)
        if not {"visibility", "id"} & set(request.GET):
            rows = rows.listed_for(self.caller)
        for tag in request.GET.getlist("tag"):
            rows = rows.filter(tags__contains=tag)
        images = self.page(self.filtered(rows), "-created_at", "-pk")
        body: dict[str, Any] = {
            "images": [show_image(image) for image in images],
            "first": "/v2/images",
            "schema": "/v2/schemas/images",
        }
        if self.more and images:
            body["next"] = self.next_url("/v2/images", images[-1])
        return Response(body)


class ImageDetail(ImageView):
    """``GET /image/v2/images/{image_id}``"""

    def get(self, request: Request, image_id: str) -> Response:
        image = self.find(Image.objects.visible_to(self.caller), image_id, "image")
        return Response(show_image(image))


class ImageFile(ImageView):
    """``GET /image/v2/images/{image_id}/file``: images are metadata only, so there is none."""

    def get(self, request: Request, image_id: str) -> Response:
        self.find(Image.objects.visible_to(self.caller), image_id, "image")
        return Response(status=204)


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

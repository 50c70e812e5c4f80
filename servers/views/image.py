"""``/images``: an old URL of compute that passes requests on to the image service."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.response import Response

from compute_site.api.links import root_of
from compute_site.api.microversions.answers import LINKS, AnswerSerializer
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.proxies.images import delete_image, find_image, list_images
from servers.serializers.image import ImageAnswer, ImageListQuery, ImageSummary


class OldImageView(ComputeView):
    """Nova has no policy rules for images: the image service decides."""

    until = "2.35"

    @property
    def image_root(self) -> str:
        return f"{root_of(self.request._request)}/image"  # noqa: SLF001 - Django's request


class Images(OldImageView):
    """The images that the caller can use."""

    collection: ClassVar[str] = "images"
    shown: ClassVar[type[AnswerSerializer]] = ImageSummary
    contracts = {
        "GET": Contract(
            summary="List images",
            query=ImageListQuery,
            answer={"images": [ImageSummary], "images_links": LINKS},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        search = self.read_query(ImageListQuery)
        images = list_images(request.caller, search)
        shown = self.show_all(self.shown, images, image_root=self.image_root)
        body: dict[str, Any] = {"images": shown}
        if images and len(images) == search.paging.limit:
            marker = str(images[-1].id)
            body["images_links"] = self.links.next_page(request, self.collection, marker)
        return self.answer(body)


class ImagesDetail(Images):
    """The same with all that can be told of them."""

    collection = "images/detail"
    shown = ImageAnswer
    contracts = {
        "GET": Contract(
            summary="List images in detail",
            query=ImageListQuery,
            answer={"images": [ImageAnswer], "images_links": LINKS},
        ),
    }


class Image(OldImageView):
    """One image."""

    contracts = {
        "GET": Contract(summary="Show an image", query=NoQuery, answer={"image": ImageAnswer}),
        "DELETE": Contract(summary="Delete an image", status=204, faults=(403,)),
    }

    def get(self, request: ComputeRequest, image_id: str) -> Response:
        image = find_image(request.caller, image_id)
        return self.answer({"image": self.show(ImageAnswer, image, image_root=self.image_root)})

    def delete(self, request: ComputeRequest, image_id: str) -> Response:
        delete_image(request.caller, image_id)
        return self.answer(status=204)

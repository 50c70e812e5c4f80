"""The image API v2: as much as clients need to find and make images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.bodies import stream_body
from compute_site.faults import BadRequest, Fault, NotFound, UnsupportedMediaType
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.api.download import BINARY, answer_download
from compute_site.neighbours.image.api.patch import read_patch
from compute_site.neighbours.image.api.queries import (
    PAGING,
    TASK_WORDS,
    filter_images,
    filter_tasks,
    read_order,
    read_task_order,
)
from compute_site.neighbours.image.api.representation import (
    show_image,
    show_member,
    show_task,
    show_task_in_list,
)
from compute_site.neighbours.image.api.serializers import (
    ImageCreate,
    ImportBody,
    MemberCreate,
    MemberUpdate,
    TaskCreate,
)
from compute_site.neighbours.image.data.store import STORE
from compute_site.neighbours.image.local import changes, members, tasks, uploads
from compute_site.neighbours.image.local.limits import QUOTAS
from compute_site.neighbours.image.models import Image, ImageTask
from compute_site.neighbours.service_view import ServiceView, phrase

NEWEST_MINOR = 9


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


class ImageList(ImageView):
    """``GET`` and ``POST /image/v2/images``"""

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST)
        given = request.GET
        seen = Image.objects.visible_to(self.caller)
        images = self.page(filter_images(self.caller, given), read_order(given), markers=seen)
        body: dict[str, Any] = {
            "images": [show_image(image) for image in images],
            "first": "/v2/images",
            "schema": "/v2/schemas/images",
        }
        if self.more and images:
            body["next"] = self.next_url("/v2/images", images[-1])
        return Response(body)

    def post(self, request: Request) -> Response:
        values = self.read_whole(ImageCreate, "the keys of the image").values
        image = changes.create_image(self.caller, values)
        location = {"Location": f"{self.root}/image/v2/images/{image.pk}"}
        return Response(show_image(image), status=201, headers=location)


class ImageDetail(ImageView):
    """``GET``, ``PATCH`` and ``DELETE /image/v2/images/{image_id}``"""

    def get(self, request: Request, image_id: str) -> Response:
        return Response(show_image(self.find_image(image_id)))

    def patch(self, request: Request, image_id: str) -> Response:
        steps = read_patch(request.content_type or "", self.read_body())
        image = self.find_image(image_id)
        return Response(show_image(changes.change_image(self.caller, image, steps)))

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
        pieces = binary_body(request)
        uploads.upload(self.caller, self.find_image(image_id), pieces)
        return Response(status=204)


class ImageStage(ImageView):
    """``PUT /image/v2/images/{image_id}/stage``: data that are imported later."""

    def put(self, request: Request, image_id: str) -> Response:
        pieces = binary_body(request)
        uploads.stage(self.caller, self.find_image(image_id), pieces)
        return Response(status=204)


class ImageImport(ImageView):
    """``POST /image/v2/images/{image_id}/import``: of staged data, or of a URL."""

    def post(self, request: Request, image_id: str) -> Response:
        asked = self.read_whole(ImportBody, 'a method, {"name": "glance-direct"}').values
        image = self.find_image(image_id)
        tasks.import_data(self.caller, image, asked)
        return Response(status=202)


class ImportInfo(ImageView):
    """``GET /image/v2/info/import``"""

    def get(self, request: Request) -> Response:
        methods = {
            "description": "How data can be imported.",
            "type": "array",
            "value": tasks.methods(),
        }
        return Response({"import-methods": methods})


class StoresInfo(ImageView):
    """``GET /image/v2/info/stores``"""

    def get(self, request: Request) -> Response:
        return Response({"stores": [{"id": STORE, "default": "true"}]})


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


class ImageTag(ImageView):
    """``PUT`` and ``DELETE /image/v2/images/{image_id}/tags/{tag}``"""

    def put(self, request: Request, image_id: str, tag: str) -> Response:
        changes.add_tag(self.caller, self.find_image(image_id), tag)
        return Response(status=204)

    def delete(self, request: Request, image_id: str, tag: str) -> Response:
        changes.remove_tag(self.caller, self.find_image(image_id), tag)
        return Response(status=204)


class ImageMembers(ImageView):
    """``GET`` and ``POST /image/v2/images/{image_id}/members``"""

    def get(self, request: Request, image_id: str) -> Response:
        found = members.members_of(self.caller, self.find_image(image_id))
        shown = [show_member(member) for member in found]
        return Response({"members": shown, "schema": "/v2/schemas/members"})

    def post(self, request: Request, image_id: str) -> Response:
        asked = self.read_whole(MemberCreate, "member").values
        image = self.find_image(image_id)
        return Response(show_member(members.add_member(self.caller, image, asked["member"])))


class ImageMemberDetail(ImageView):
    """``GET``, ``PUT`` and ``DELETE /image/v2/images/{image_id}/members/{member_id}``"""

    def get(self, request: Request, image_id: str, member_id: str) -> Response:
        image = self.find_image(image_id)
        return Response(show_member(members.find_member(self.caller, image, member_id)))

    def put(self, request: Request, image_id: str, member_id: str) -> Response:
        asked = self.read_whole(MemberUpdate, "status").values
        image = self.find_image(image_id)
        if asked["member"] not in (None, member_id):
            raise BadRequest("The URL names another member than the body.", field="member")
        member = members.set_status(self.caller, image, member_id, asked["status"])
        return Response(show_member(member))

    def delete(self, request: Request, image_id: str, member_id: str) -> Response:
        members.remove_member(self.caller, self.find_image(image_id), member_id)
        return Response(status=204)


class ImageTasks(ImageView):
    """``GET /image/v2/images/{image_id}/tasks``: its imports, for the project that asked."""

    def get(self, request: Request, image_id: str) -> Response:
        image = self.find_image(image_id)
        found = ImageTask.objects.visible_to(self.caller).filter(image_id=str(image.pk))
        return Response({"tasks": [show_task(task) for task in found.order_by("created_at", "pk")]})


class Tasks(ImageView):
    """``GET`` and ``POST /image/v2/tasks``"""

    query_parameters = PAGING | TASK_WORDS.keys()
    bodies: ClassVar = {"post": ("", TaskCreate)}

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.TASKS)
        found = self.page(filter_tasks(self.caller, request.GET), read_task_order(request.GET))
        body: dict[str, Any] = {
            "tasks": [show_task_in_list(task) for task in found],
            "first": "/v2/tasks",
            "schema": "/v2/schemas/tasks",
        }
        if self.more and found:
            body["next"] = self.next_url("/v2/tasks", found[-1])
        return Response(body)

    def post(self, request: Request) -> Response:
        self.caller.permit(policies.TASKS)
        asked = self.read_whole(TaskCreate, "type and input").values
        task = tasks.create_task(self.caller, asked["type"], asked["input"])
        location = {"Location": f"{self.root}/image/v2/tasks/{task.pk}"}
        return Response(show_task(task), status=201, headers=location)


class TaskDetail(ImageView):
    """``GET /image/v2/tasks/{task_id}``"""

    def get(self, request: Request, task_id: str) -> Response:
        self.caller.permit(policies.TASKS)
        return Response(
            show_task(self.find(ImageTask.objects.visible_to(self.caller), task_id, "task"))
        )


class Schema(ImageView):
    """``GET /image/v2/schemas/…``: the document ``schema``."""

    schema_document: ClassVar[Mapping[str, Any]] = {}

    def get(self, request: Request) -> Response:
        return Response(self.schema_document)


class UsageInfo(ImageView):
    """``GET /image/v2/info/usage``: the limits of the project, and what of them is used."""

    def get(self, request: Request) -> Response:
        limits = QUOTAS.limits_of(self.caller.project_id)
        used = QUOTAS.used_by(self.caller.project_id)
        usage = {name: {"limit": limits[name], "usage": used[name]} for name in limits}
        return Response({"usage": usage})


class UnknownImageUrl(ImageView):
    """Every other path below ``/image``."""

    def get(self, request: Request, **_: Any) -> Response:
        raise NotFound(f"There is nothing at {request.path}.")

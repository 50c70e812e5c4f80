"""Imports as tasks: those of staged data, which are over at once, and those of data from the web,
which a worker fetches::

    pending ──> processing ──> success
       └────────────┴────────> failure (``message`` says why)
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.db.locks import Kind, one_of
from compute_site.faults import BadRequest, Fault
from compute_site.neighbours.image import policies, shapes
from compute_site.neighbours.image.data import download, store
from compute_site.neighbours.image.local import changes, uploads
from compute_site.neighbours.image.local.events import download_awaited
from compute_site.neighbours.image.models import Image, ImageTask
from compute_site.neighbours.ownership import permit_on
from compute_site.values.keys import read_keys

logger = logging.getLogger(__name__)

IMPORT, API_IMPORT = "import", "api_image_import"
PENDING, PROCESSING, SUCCESS, FAILURE = "pending", "processing", "success", "failure"
STATUSES = (PENDING, PROCESSING, SUCCESS, FAILURE)
UNDONE = (PENDING, PROCESSING)
DIRECT, WEB = "glance-direct", "web-download"
AT_ONCE = 2
"""So many downloads run at once, by all workers together."""
KEPT = dt.timedelta(hours=48)
"""So long are tasks kept that have ended, as in Glance."""


def methods() -> list[str]:
    """How data can be imported."""
    return [DIRECT, WEB] if download.is_on() else [DIRECT]


def import_data(caller: Caller, image: Image, asked: Mapping[str, Any]) -> None:
    """Import what was staged, or what a URL leads to; ``asked`` is the body of the request.

    Raises:
        ImportRefused: there is no such method.
        DownloadRefused: nothing is fetched from there.
        Conflict, ImageIsThere, WrongFormat: as ``uploads.import_staged``.
    """
    method = asked["method"]
    permit_on(caller, policies.UPLOAD, image.owner_id)
    name = method.get("name") if isinstance(method, dict) else None
    if name not in methods():
        raise uploads.ImportRefused(
            f"Data are imported by {', '.join(methods())}, not {name!r:.60}."
        )
    told = {"image_id": str(image.pk), "import_req": {"method": method}}
    if name == DIRECT:
        uploads.import_staged(image)
        _succeed(_note(caller, API_IMPORT, told, image))
        return
    download.check_url(method.get("uri"))
    with transaction.atomic():
        uploads.begin_download(image)
        _await(_note(caller, API_IMPORT, told, image))


@transaction.atomic
def create_task(caller: Caller, kind: Any, given: Any) -> ImageTask:
    """An image that is made of what a URL leads to.

    Raises:
        BadRequest: it is no such task.
        DownloadRefused: nothing is fetched from there.
    """
    if kind != IMPORT:
        raise BadRequest(f"The type of a task is {IMPORT}, not {kind!r:.60}.", field="type")
    if not isinstance(given, dict):
        raise BadRequest("input: give an object.", field="input")
    unknown = sorted(set(given) - {"import_from", "import_from_format", "image_properties"})
    keys = given.get("image_properties")
    if unknown or not isinstance(keys, dict):
        raise BadRequest(
            "input: give import_from, import_from_format and an object of image_properties, "
            f"and nothing else {unknown or ''}".strip(),
            field="input",
        )
    download.check_url(given.get("import_from"))
    named = {"disk_format": given.get("import_from_format"), "container_format": "bare"}
    values, problems = read_keys({**named, **keys}, shapes.NEW_IMAGE, changes.PROPERTIES)
    if problems:
        raise BadRequest(f"input: {'; '.join(problems)}", field="input")
    image = changes.create_image(caller, values)
    uploads.begin_download(image)
    task = _note(caller, IMPORT, given, image)
    _await(task)
    return task


def fetch(task_id: str) -> bool:
    """Fetch the data that the task awaits. ``False``: as many are fetched already as may be at
    once.
    """
    with one_of(Kind.DOWNLOAD, range(AT_ONCE)) as has_place:
        if has_place:
            _fetch(uuid.UUID(task_id))
        return has_place


def clean_up() -> None:
    """Forget tasks that ended long ago, and give up those that nobody works on any more."""
    now = timezone.now()
    ImageTask.objects.filter(expires_at__lt=now).delete()
    lost = ImageTask.objects.filter(created_at__lt=now - uploads.ABANDONED)
    _fail(lost, "Nobody works on it any more.")


def _note(caller: Caller, kind: str, given: Mapping[str, Any], image: Image) -> ImageTask:
    return ImageTask.objects.create(
        type=kind,
        input=dict(given),
        owner=caller.project_id,
        user_id=caller.user_id,
        request_id=caller.request_id,
        image_id=str(image.pk),
    )


def _await(task: ImageTask) -> None:
    download_awaited.send(ImageTask, task_id=str(task.pk))


def _fetch(task_id: uuid.UUID) -> None:
    undone = ImageTask.objects.filter(pk=task_id, status__in=UNDONE)
    if not undone.update(status=PROCESSING, updated_at=timezone.now()):
        return
    task = undone.get()
    image = Image.objects.filter(pk=task.image_id, status=uploads.IMPORTING).first()
    try:
        if image is None:
            raise BadRequest("The image was deleted or changed.")
        uploads.write_download(image, download.fetch(_url_of(task)))
    except Fault as fault:
        logger.warning("the task %s failed: %s", task_id, fault.detail)
        if task.type == IMPORT and image is not None:  # nobody was told of the image yet
            Image.objects.filter(pk=image.pk, stored=False).delete()
            store.remove([str(image.pk)])
        _fail(ImageTask.objects.filter(pk=task.pk), fault.detail)
        return
    _succeed(task)


def _url_of(task: ImageTask) -> str:
    if task.type == IMPORT:
        return str(task.input["import_from"])
    return str(task.input["import_req"]["method"]["uri"])


def _succeed(task: ImageTask) -> None:
    _end(ImageTask.objects.filter(pk=task.pk), status=SUCCESS, result={"image_id": task.image_id})


def _fail(tasks: QuerySet[ImageTask], why: str) -> None:
    _end(tasks, status=FAILURE, message=why)


def _end(tasks: QuerySet[ImageTask], **values: Any) -> None:
    """Of those that have not ended yet."""
    now = timezone.now()
    undone = tasks.filter(status__in=UNDONE)
    undone.update(**values, updated_at=now, expires_at=now + KEPT)

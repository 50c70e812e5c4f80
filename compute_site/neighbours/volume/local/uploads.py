"""Makes images of volumes, after the request: the bytes of a volume that is ``uploading`` go to an
image that awaits them.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction

from compute_site.db.locks import Kind, one_of
from compute_site.faults import Fault, Unavailable
from compute_site.neighbours import image_service
from compute_site.neighbours.volume.local import data, messages
from compute_site.neighbours.volume.local.claims import settle
from compute_site.neighbours.volume.local.events import upload_awaited
from compute_site.neighbours.volume.models import Volume

logger = logging.getLogger(__name__)

UPLOADING = "uploading"


def begin(volume: Volume, image_id: str, project_id: str, disk_format: str) -> None:
    """Let the image of the project get the bytes of a locked volume, after this transaction."""
    Volume.objects.filter(pk=volume.pk).update(status=UPLOADING)
    upload_awaited.send(
        Volume,
        volume_id=str(volume.pk),
        image_id=image_id,
        project_id=project_id,
        disk_format=disk_format,
    )


def upload(volume_id: str, image_id: str, project_id: str, disk_format: str) -> bool:
    """Give the image the bytes. Where that cannot be, no image is left, and the project is told
    why. ``False``: as many are copied already as the site wants at once.
    """
    with one_of(Kind.COPY, range(settings.OPTIONS.volume_copies)) as has_place:
        if has_place:
            _upload(volume_id, image_id, project_id, disk_format)
        return has_place


def _upload(volume_id: str, image_id: str, project_id: str, disk_format: str) -> None:
    volume = Volume.objects.filter(pk=volume_id, status=UPLOADING).first()
    done = _fill(volume, image_id, disk_format)
    if not done:
        image_service().forget_images(project_id, [image_id])
    if volume is not None:
        _end(volume, done=done)


def _fill(volume: Volume | None, image_id: str, disk_format: str) -> bool:
    if image_service().find_source(image_id) is not None:
        return True  # by an attempt before
    if volume is None:
        return False
    try:
        with data.exported(volume, disk_format) as (pieces, sha512):
            image_service().fill_image(image_id, pieces, disk_format, sha512)
    except Unavailable:
        raise  # it is tried again
    except Fault as fault:
        logger.warning("volume %s: no image %s: %s", volume.pk, image_id, fault.detail)
        return False
    return True


def _end(volume: Volume, *, done: bool) -> None:
    with transaction.atomic():
        uploading = Volume.objects.filter(pk=volume.pk, status=UPLOADING)
        if not uploading.update(status="reserved"):
            return
        settle([str(volume.pk)])
        if not done:
            messages.tell(volume, messages.Action.UPLOAD, messages.Detail.UPLOAD_FAILED)

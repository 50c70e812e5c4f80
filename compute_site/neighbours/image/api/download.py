"""Answers with the data of an image, or a part of them."""

from __future__ import annotations

from typing import BinaryIO

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from compute_site.caller import Caller
from compute_site.faults import Fault, Forbidden, Unavailable
from compute_site.neighbours.image.data.ranges import read_range
from compute_site.neighbours.image.data.store import Part
from compute_site.neighbours.image.local import find_file
from compute_site.neighbours.image.models import Image

BINARY = "application/octet-stream"


class Deactivated(Forbidden):
    """The data of the image are locked."""

    code = "image_deactivated"


class DataMissing(Unavailable):
    """The image should have data, and the store has none."""

    code = "image_data_missing"


def answer_download(caller: Caller, image: Image, asked: str | None) -> HttpResponseBase:
    """All data of the image, or the range of bytes that is asked for.

    Raises:
        Deactivated: only admins read the data of such an image.
        BadRequest, RangeNotThere: as ``read_range``.
        DataMissing: the store has lost them, or is not the one that they were written to.
    """
    if image.status == "deactivated" and not caller.is_admin:
        raise Deactivated(f"Image {image.pk} is deactivated.")
    if not image.stored or image.status not in ("active", "deactivated"):
        return HttpResponse(status=204, content_type=BINARY)
    file = find_file(str(image.pk))
    if file is None:
        raise DataMissing(
            f"The data of image {image.pk} are not in the store of this web process; all of them "
            "need the same COMPUTE_SITE_IMAGE_STORE_DIR, or the same bucket."
        )
    response = send_part(file, image.size or 0, asked)
    if image.checksum:
        response["Content-MD5"] = image.checksum
    return response


def send_part(file: BinaryIO, size: int, asked: str | None) -> HttpResponseBase:
    """The file of this size, or the range of its bytes that is asked for.

    Raises:
        BadRequest, RangeNotThere: as ``read_range``.
    """
    try:
        first, last = (0, size - 1) if asked is None else read_range(asked, size)
    except Fault:
        file.close()
        raise
    file.seek(first)
    part = Part(file, last - first + 1)
    response = FileResponse(part, content_type=BINARY, status=200 if asked is None else 206)
    response["Content-Length"] = str(part.left)
    if asked is not None:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response

"""Keeps the data of images as objects in a store that speaks S3 (extra ``s3``: boto3).

An object appears when its upload is complete. Data are sent in parts as they come, so that an
upload keeps one part in memory.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import io
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.utils import timezone

from compute_site.faults import Fault, Unavailable
from compute_site.neighbours.image.data.hashing import Hashed, Written

PART = 20 << 20
"""Bytes of a part; S3 takes 10,000 parts, so that later ones are larger: 1.1 TiB in all."""
LARGER_AFTER = 1000
ABANDONED = dt.timedelta(days=1)
"""So old are uploads that nobody ends any more."""
STRAY = dt.timedelta(hours=1)
"""So old are objects without an image before they are taken for left behind."""
FULL = frozenset(("QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"))
GONE = frozenset(("NoSuchKey", "404", "NotFound"))


class StoreAway(Unavailable):
    """The store does not answer, or refuses; the text says why."""

    code = "store_away"


class StoreFull(Fault):
    """There is no room for the data."""

    status = 413
    code = "store_full"


def is_chosen() -> bool:
    """Are the data of images in such a store?"""
    return bool(settings.OPTIONS.image_s3_bucket)


def write(image_id: str, pieces: Iterable[bytes], *, most: int) -> Written:
    """As ``store.write``; raises ``StoreAway`` as well."""
    passing = Hashed(pieces, most)
    with _failures():
        upload = _client().create_multipart_upload(**_place(image_id))["UploadId"]
    try:
        parts = [
            _send_part(image_id, upload, number, part)
            for number, part in enumerate(_parts(passing), start=1)
        ]
        with _failures():
            _client().complete_multipart_upload(
                **_place(image_id), UploadId=upload, MultipartUpload={"Parts": parts}
            )
    except BaseException:
        with contextlib.suppress(Fault), _failures():
            _client().abort_multipart_upload(**_place(image_id), UploadId=upload)
        raise
    return passing.written


def open_data(image_id: str) -> BinaryIO:
    """The data of an image; raises ``FileNotFoundError`` or ``StoreAway``."""
    with _failures():
        size = _client().head_object(**_place(image_id))["ContentLength"]
    return cast("BinaryIO", Object(image_id, int(size)))


def remove(image_ids: Collection[str]) -> None:
    """Remove the data of these images, where there are any."""
    for image_id in image_ids:
        with _failures():
            _client().delete_object(**_place(image_id))


def clean_up(known: Collection[str]) -> None:
    """Remove objects of images that are not among ``known``, and uploads that nobody ends."""
    now, prefix = timezone.now(), settings.OPTIONS.image_s3_prefix
    bucket = {"Bucket": settings.OPTIONS.image_s3_bucket, "Prefix": prefix}
    with _failures():
        pages = _client().get_paginator("list_objects_v2").paginate(**bucket)
        for entry in (one for page in pages for one in page.get("Contents", ())):
            name = str(entry["Key"]).removeprefix(prefix)
            if name not in known and now - entry["LastModified"] > STRAY:
                remove([name])
        uploads = _client().get_paginator("list_multipart_uploads").paginate(**bucket)
        for entry in (one for page in uploads for one in page.get("Uploads", ())):
            if now - entry["Initiated"] > ABANDONED:
                place = {"Bucket": bucket["Bucket"], "Key": entry["Key"]}
                _client().abort_multipart_upload(**place, UploadId=entry["UploadId"])


class Object(io.RawIOBase):
    """The bytes of an object, read from the store as they are asked for."""

    def __init__(self, image_id: str, size: int) -> None:
        super().__init__()
        self.image_id = image_id
        self.size = size
        self.at = 0
        self.body: Any = None
        """What is being read from ``at`` on."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        if begin + offset != self.at:
            self._let_go()
            self.at = begin + offset
        return self.at

    def readinto(self, buffer: Any) -> int:
        if not len(buffer) or self.at >= self.size:
            return 0
        with _failures():
            if self.body is None:
                asked = f"bytes={self.at}-"
                self.body = _client().get_object(**_place(self.image_id), Range=asked)["Body"]
            piece = self.body.read(len(buffer))
        if not piece:
            raise StoreAway(f"The data of image {self.image_id} break off.")
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _let_go(self) -> None:
        if self.body is not None:
            self.body.close()
            self.body = None


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as parts of an upload; at least one, which may be empty."""
    waiting, number = bytearray(), 0
    for piece in pieces:
        waiting += piece
        while len(waiting) >= (most := PART * (1 + number // LARGER_AFTER)):
            yield bytes(waiting[:most])
            del waiting[:most]
            number += 1
    if waiting or not number:
        yield bytes(waiting)


def _send_part(image_id: str, upload: str, number: int, part: bytes) -> dict[str, Any]:
    """The store compares the part with its hash."""
    digest = base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
    with _failures():
        sent = _client().upload_part(
            **_place(image_id), UploadId=upload, PartNumber=number, Body=part, ContentMD5=digest
        )
    return {"PartNumber": number, "ETag": sent["ETag"]}


def _place(image_id: str) -> dict[str, str]:
    options = settings.OPTIONS
    return {"Bucket": options.image_s3_bucket, "Key": f"{options.image_s3_prefix}{image_id}"}


def _client() -> Any:
    options = settings.OPTIONS
    return _connect(
        options.image_s3_endpoint,
        options.image_s3_region,
        options.image_s3_access_key,
        options.image_s3_secret_key,
    )


@cache
def _connect(endpoint: str, region: str, access_key: str, secret_key: str) -> Any:
    """It takes 0.3 s to import, and few processes see data. Without keys, boto3 looks for them
    where it always does (environment, files, role of the machine).
    """
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        # stores beside Amazon's often know neither these checksums nor names of buckets as hosts
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if endpoint else "auto"},
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=10,
        read_timeout=60,
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or None,
        aws_access_key_id=access_key or None,
        aws_secret_access_key=secret_key or None,
        config=config,
    )


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Failures of the store in our words.

    Raises:
        FileNotFoundError: there is no such object.
        StoreFull, StoreAway.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise StoreAway(
            "The data of images are in S3 (COMPUTE_SITE_IMAGE_S3_BUCKET), which needs boto3: "
            "install compute-site[s3]."
        ) from None
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in GONE:
            raise FileNotFoundError(code) from None
        if code in FULL:
            raise StoreFull("There is no room left where the data of images are kept.") from None
        raise StoreAway(f"The store of images refuses: {code}.") from None
    except BotoCoreError as error:
        raise StoreAway(f"The store of images does not answer: {type(error).__name__}.") from None

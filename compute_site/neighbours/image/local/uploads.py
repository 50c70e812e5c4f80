"""How data come to an image: uploaded at once, or staged and then imported."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, Fault
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.data import store
from compute_site.neighbours.image.local.changes import ImageIsThere
from compute_site.neighbours.image.local.limits import QUOTAS, SIZE_TOTAL
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.image.protocol import ImageQuotaReached
from compute_site.neighbours.ownership import permit_on

if TYPE_CHECKING:
    from compute_site.neighbours.image.data.formats import Inspection

QUEUED, SAVING, STAGED, IMPORTING = "queued", "saving", "uploading", "importing"
ABANDONED = dt.timedelta(days=1)
"""An upload that has not ended after so long has no client any more."""


class ImportRefused(BadRequest):
    """An import by a method that is not served."""

    code = "import_refused"


class WrongData(BadRequest):
    """Other data came than were announced."""

    code = "wrong_data"


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What an upload makes of an image: its status before, meanwhile, and after."""

    before: str
    meanwhile: str
    after: str


UPLOAD = Step(QUEUED, SAVING, "active")
STAGE = Step(QUEUED, SAVING, STAGED)
IMPORT = Step(STAGED, IMPORTING, "active")
DOWNLOAD = Step(QUEUED, IMPORTING, "active")


def upload(caller: Caller, image: Image, pieces: Iterable[bytes]) -> None:
    """Keep the data, check their format, and make the image active.

    Raises:
        BadRequest: the image has no formats yet.
        ImageIsThere: the image is not ``queued``.
        WrongFormat, TooMuchData, StoreFull, ImageQuotaReached: nothing is kept, and the image is
            ``queued`` as before; so it is if the data break off.
    """
    _check_formats(image, BadRequest)
    _take(caller, image, pieces, UPLOAD)


def stage(caller: Caller, image: Image, pieces: Iterable[bytes]) -> None:
    """Keep the data until they are imported.

    Raises:
        ImageIsThere, TooMuchData, StoreFull, ImageQuotaReached: as ``upload``.
    """
    _take(caller, image, pieces, STAGE)


def import_staged(image: Image) -> None:
    """Check the format of what was staged, and make the image active.

    Raises:
        Conflict: the image has no formats, or nothing was staged.
        WrongFormat: the image stays as it was.
    """
    _check_formats(image, Conflict)
    _begin(image, IMPORT)
    with _or_as_before(image, IMPORT), store.open_data(str(image.pk)) as file:
        inspection = _inspect(image, iter(lambda: file.read(1 << 20), b""))
        for _ in inspection:
            pass
    _end(image, IMPORT.meanwhile, status="active", virtual_size=inspection.virtual_size)


def begin_download(image: Image) -> None:
    """Take the image on; its data are fetched later.

    Raises:
        Conflict: the image has no formats.
        ImageIsThere: the image is not ``queued``.
    """
    _check_formats(image, Conflict)
    _begin(image, DOWNLOAD)


def write_download(image: Image, pieces: Iterable[bytes]) -> None:
    """Keep the data of an image that ``begin_download`` has taken on.

    Raises:
        WrongFormat, TooMuchData, StoreFull, ImageQuotaReached, and what ``pieces`` raise: the image
            is ``queued`` again.
    """
    with _or_as_before(image, DOWNLOAD):
        most = _room(image)
    _write(image, pieces, DOWNLOAD, most)


def fill(image: Image, pieces: Iterable[bytes], *, disk_format: str, sha512: str) -> None:
    """Keep the data that a host sends for the image, in this format and with this hash.

    Raises:
        WrongData: they are others.
        ImageIsThere, WrongFormat, TooMuchData, StoreFull, ImageQuotaReached: as ``upload``.
    """
    Image.objects.filter(pk=image.pk, status=SAVING).update(status=QUEUED)  # of a lost attempt
    image.disk_format, image.container_format = disk_format, "bare"
    _keep(image, _checked(pieces, sha512), UPLOAD)


def _checked(pieces: Iterable[bytes], sha512: str) -> Iterator[bytes]:
    seen = hashlib.new(store.HASH_ALGORITHM)
    for piece in pieces:
        seen.update(piece)
        yield piece
    if seen.hexdigest() != sha512:
        raise WrongData("The data are not those that the hash is of.")


def clean_up() -> None:
    """Remove data that no image has, and give up uploads that nobody ends any more."""
    before = timezone.now() - ABANDONED
    given_up = Image.objects.filter(status=SAVING, updated_at__lt=before)
    given_up.update(status=QUEUED, updated_at=timezone.now())
    importing = Image.objects.filter(status=IMPORTING, updated_at__lt=before)
    importing.filter(stored=True).update(status=STAGED)
    importing.filter(stored=False).update(status=QUEUED)
    known = {str(pk) for pk in Image.objects.filter(stored=True).values_list("pk", flat=True)}
    store.clean_up(known)


def _take(caller: Caller, image: Image, pieces: Iterable[bytes], step: Step) -> None:
    permit_on(caller, policies.UPLOAD, image.owner_id)
    _keep(image, pieces, step)


def _keep(image: Image, pieces: Iterable[bytes], step: Step) -> None:
    most = _room(image)
    _begin(image, step)
    _write(image, pieces, step, most)


def _write(image: Image, pieces: Iterable[bytes], step: Step, most: int) -> None:
    with _or_as_before(image, step):
        inspection = _inspect(image, pieces) if step.after == "active" else None
        written = store.write(str(image.pk), inspection or pieces, most=most)
    kept = _end(
        image,
        step.meanwhile,
        status=step.after,
        stored=True,
        disk_format=image.disk_format,
        container_format=image.container_format,
        size=written.size,
        checksum=written.md5,
        os_hash_value=written.sha512,
        virtual_size=inspection.virtual_size if inspection else None,
    )
    if not kept:
        store.remove([str(image.pk)])
        raise ImageIsThere(f"Image {image.pk} was deleted or changed during the upload.")


def _room(image: Image) -> int:
    """The most bytes that the image may have now."""
    most = settings.OPTIONS.image_size_cap
    if image.owner_id is None:
        return most
    limit = QUOTAS.limits_of(image.owner_id)[SIZE_TOTAL]
    if limit < 0:
        return most
    used = QUOTAS.kinds[SIZE_TOTAL].used_by(image.owner_id)
    if used >= limit:
        raise ImageQuotaReached(f"The project's images have {used} of at most {limit} MiB.")
    return min(most, (limit - used) << 20)


def _check_formats(image: Image, refused: type[Fault]) -> None:
    """Glance refuses an upload by 400 and an import by 409."""
    if image.disk_format is None or image.container_format is None:
        raise refused("The image needs a disk_format and a container_format first.")


def _inspect(image: Image, pieces: Iterable[bytes]) -> Inspection:
    # its library takes 0.1 s to import, and most processes never see data
    from compute_site.neighbours.image.data.formats import Inspection  # noqa: PLC0415

    return Inspection(
        pieces,
        disk_format=image.disk_format or "",
        container_format=image.container_format or "",
    )


def _begin(image: Image, step: Step) -> None:
    """Take the image on, so that only one upload writes its data."""
    waiting = Image.objects.filter(pk=image.pk, status=step.before)
    if not waiting.update(status=step.meanwhile, updated_at=timezone.now()):
        raise ImageIsThere(
            f"Image {image.pk} is {image.status}; for this it would have to be {step.before}."
        )


@contextlib.contextmanager
def _or_as_before(image: Image, step: Step) -> Iterator[None]:
    """Where something goes wrong, the image gets the status back that it was taken on from."""
    try:
        yield
    except BaseException:
        _end(image, step.meanwhile, status=step.before)
        raise


def _end(image: Image, meanwhile: str, **values: Any) -> bool:
    """Change the image, if it is still the one that was taken on."""
    ours = Image.objects.filter(pk=image.pk, status=meanwhile)
    return bool(ours.update(**values, updated_at=timezone.now()))

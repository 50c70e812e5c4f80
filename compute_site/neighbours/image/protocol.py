"""The protocol of image services: everything that compute needs of one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from compute_site.caller import Caller
from compute_site.db.paging import Paging
from compute_site.db.statements import Statement
from compute_site.faults import BadRequest, Fault, Unavailable
from compute_site.neighbours.calls import joins_or_precedes, outside_transactions


class ImageServiceUnavailable(Unavailable):
    """The image service does not answer."""

    code = "image_service_unavailable"


class ImageQuotaReached(Fault):
    """The project has as many images as it may have. Glance answers 413."""

    status = 413
    code = "image_quota_reached"


class NoSuchMarker(BadRequest):
    """The marker of the page is no image that the caller may use."""

    code = "marker_unknown"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageData:
    """An image: ``min_ram`` MiB, ``min_disk`` GiB, ``size`` bytes (``None``: unknown).

    ``properties`` are those beyond the service's own fields, mostly texts. For boot from volume
    this is made from the volume's image metadata; then ``id`` is ``None``.
    """

    id: str | None
    name: str = ""
    status: str = "active"
    visibility: str = "private"
    owner: str | None = None
    min_ram: int = 0
    min_disk: int = 0
    size: int | None = None
    disk_format: str | None = None
    container_format: str | None = None
    checksum: str | None = None
    tags: tuple[str, ...] = ()
    properties: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """The data of an image, as a host must know them that makes disks of them: ``size`` and
    ``virtual_size`` (that of the disk) in bytes, hashes in hex.
    """

    id: str
    size: int
    sha512: str
    disk_format: str
    container_format: str
    virtual_size: int | None = None
    rescue_bus: str = ""
    rescue_device: str = ""
    """How a disk of it is attached beside the disks of a server that is rescued."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord(ImageData):
    """An image as the compute API's image lists show it."""

    created_at: dt.datetime
    updated_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageSearch:
    """The filters of a list; ``None`` is no filter. ``min_ram`` (MiB) and ``min_disk`` (GiB) are
    lower bounds of the images' values.
    """

    image_id: str | None = None
    name: str | None = None
    status: str | None = None
    min_ram: int | None = None
    min_disk: int | None = None
    changed_since: dt.datetime | None = None
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    paging: Paging


Properties = Mapping[str, Any]
Change = Callable[[Properties], Properties]


class ImageService(Protocol):
    """Every call with a caller raises ``PolicyRefused`` where the policy rules of the image service
    do not let the caller do it.

    What a call that changes something has to do with our transactions is said by its mark
    (``compute_site/neighbours/calls.py``) and, where it has to run before the answer, below it.
    """

    def find_images(self, caller: Caller, ids: Collection[str]) -> dict[str, ImageData]:
        """The images among ``ids`` that the caller may use, by id as given.

        A text that is no canonical UUID finds nothing.

        Raises:
            ImageServiceUnavailable: 503.
        """
        ...

    def lookups(self, caller: Caller, ids: Collection[str]) -> Sequence[Statement]:
        """The statements of ``find_images``, to be read ahead; none where images are not in this
        database.
        """
        ...

    def find_source(self, image_id: str) -> ImageSource | None:
        """The data of an image for a host that boots servers from it; ``None``: it has none."""
        ...

    def find_file(self, image_id: str) -> BinaryIO | None:
        """The data themselves, from their beginning; ``None``: there are none here."""
        ...

    def list_images(self, caller: Caller, search: ImageSearch) -> Sequence[ImageRecord]:
        """A page of the images that the caller may use, the newest first. Shared and community
        images of other projects are found by id only.

        Raises:
            NoSuchMarker: the marker is no image that the caller may use.
        """
        ...

    @joins_or_precedes
    def create_image(
        self,
        caller: Caller,
        *,
        name: str,
        properties: Mapping[str, Any],
        like: ImageData | None = None,
        awaits_data: bool = False,
        visibility: str = "private",
        protected: bool = False,
        image_id: str | None = None,
    ) -> str:
        """Make an image in the caller's project; return its id. Limits and formats are copied from
        ``like``. It is active, unless it awaits data (``fill_image``). ``image_id`` is its id,
        where that was chosen before.

        It joins the transaction that has locked the server, because the answer names the image, or
        the server's row remembers it: one that no row knows would never be found again. A service
        elsewhere is asked before, and told the id; ``ForgetImages`` deletes it unless that
        transaction is committed.

        Raises:
            ImageQuotaReached: the project has as many images as it may have.
            Fault: 413, an image cannot have so many properties, or such long ones.
        """
        ...

    @outside_transactions
    def fill_image(
        self, image_id: str, pieces: Iterable[bytes], disk_format: str, sha512: str
    ) -> None:
        """Give an image that awaits data these, and make it active. It needs no policy rule.

        By the request of the host that sends them. What came of an attempt before is replaced.

        Raises:
            Fault: they are not of that format, not what the hash says, too many, or the image is
                gone; it awaits data as before.
        """
        ...

    @outside_transactions
    def complete_image(self, image_id: str, properties: Mapping[str, Any]) -> None:
        """Give an image that awaits data none, and these properties beside its own, and make it
        active. It needs no policy rule. Of an image that is gone, or active, nothing is changed.

        By the job ``CompleteImage``.
        """
        ...

    def find_images_with(
        self, caller: Caller, properties: Mapping[str, str]
    ) -> Sequence[ImageData]:
        """The project's own images with all of these properties, the newest first."""
        ...

    @joins_or_precedes
    def change_properties(self, caller: Caller, image_id: str, change: Change) -> Properties:
        """Replace the image's properties by what ``change`` returns for the present ones, and
        return them. Concurrent changes wait. A deleted image has no properties and gets none.

        The answer shows what came of it; no transaction of ours is open.
        """
        ...

    @joins_or_precedes
    def delete_images(self, caller: Caller, ids: Collection[str]) -> None:
        """Delete images; ids of unknown ones are ignored.

        It joins the transaction of a backup, which is not made where the caller may not delete the
        backups that it replaces. A service elsewhere deletes them after it, by ``ForgetImages``.
        """
        ...

    @joins_or_precedes
    def check_deletable(self, caller: Caller, ids: Collection[str]) -> None:
        """Check that the caller may delete these images; raises as ``delete_images``.

        It joins the transaction of a backup that replaces them once it is complete, or comes
        before it.
        """
        ...

    @outside_transactions
    def forget_images(self, project_id: str, ids: Collection[str]) -> None:
        """Delete images of the project that compute made itself, to shelve servers. It needs no
        policy rule.

        By the job ``ForgetImages``.
        """
        ...

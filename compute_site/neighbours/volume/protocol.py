"""What we need of a volume service. Sizes are GiB."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Fault, Unavailable


class VolumeServiceUnavailable(Unavailable):
    """The volume service does not answer."""

    code = "volume_service_unavailable"


class VolumeQuotaReached(Fault):
    """The project has as many volumes, snapshots or gigabytes as it may have: 413, as in Cinder."""

    status = 413
    code = "volume_quota_reached"


class VolumeNotReservable(BadRequest):
    """The volume's state does not let a server have it; the text names volume and state."""

    code = "volume_not_reservable"


class VolumeNotSnapshottable(BadRequest):
    """The volume's state does not let anybody make a snapshot of it."""

    code = "volume_not_snapshottable"


class VolumeNotDetachable(BadRequest):
    """The volume's state does not let a server give it up; the text names volume and state."""

    code = "volume_not_detachable"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeData:
    """A volume that the caller may see. ``bootable`` is ``None`` when the volume carries no
    mark.
    """

    id: str
    name: str
    size: int
    status: str
    bootable: bool | None
    multiattach: bool
    availability_zone: str
    volume_type: str | None
    image_metadata: Mapping[str, Any]
    migrating: bool = False
    """Is the service moving what it holds to another volume?"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotData:
    """A snapshot that the caller may see."""

    id: str
    name: str
    size: int
    status: str
    volume_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeTypeData:
    """A type of volumes."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewVolume:
    """A volume to be made while a server is built: from an image, from a snapshot, or empty."""

    size: int
    name: str = ""
    image_id: str | None = None
    snapshot_id: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewSnapshot:
    """A snapshot to be made of a volume, be it in use or not."""

    volume_id: str
    name: str = ""


class VolumeService(Protocol):
    """Ids that are no canonical UUID find nothing. Every call raises
    ``VolumeServiceUnavailable`` on failure.

    What a caller asks for is decided by the rules of the volume service: every call with a caller
    raises ``PolicyRefused`` where one is not granted. Calls without one are compute's own acts.
    """

    def find_volumes(self, caller: Caller, ids: Collection[str]) -> dict[str, VolumeData]: ...

    def find_snapshots(self, caller: Caller, ids: Collection[str]) -> dict[str, SnapshotData]: ...

    def find_types(self, caller: Caller, names: Collection[str]) -> Sequence[VolumeTypeData]:
        """The types that the caller may use whose id or name is among ``names``."""
        ...

    def reserve(
        self, caller: Caller, pairs: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Reserve volumes for servers: (volume id, server id) → attachment id. All or nothing.

        Raises:
            VolumeNotReservable: a volume is in use, reserved, or not available.
        """
        ...

    def create(self, caller: Caller, server_id: str, volumes: Sequence[NewVolume]) -> list[str]:
        """Make volumes for a server, ready and reserved for it; their ids in the same order."""
        ...

    def create_snapshots(self, caller: Caller, snapshots: Sequence[NewSnapshot]) -> list[str]:
        """Make snapshots, also of volumes in use, which keep the volumes' descriptions; their ids
        in the same order.

        Raises:
            VolumeNotSnapshottable: a volume does not exist, or is neither free nor in use.
        """
        ...

    def reimage(self, caller: Caller, volume_id: str, image_id: str) -> None:
        """Write an image that the caller may use over what the volume holds."""
        ...

    def attach(self, server_id: str, devices: Mapping[str, str]) -> dict[str, str]:
        """The server has the volumes now (volume id → device name): they become ``in-use``.
        Volume id → attachment id of those that were reserved for it.
        """
        ...

    def begin_detaching(self, caller: Caller, server_id: str, volume_id: str) -> None:
        """The server begins to give the volume up: it becomes ``detaching``.

        Raises:
            VolumeNotDetachable: the server does not have it, or somebody detaches it already.
        """
        ...

    def stop_detaching(self, server_id: str, volume_id: str) -> None:
        """The server keeps the volume after all."""
        ...

    def detach(self, server_id: str, volume_id: str, *, delete: bool = False) -> None:
        """Give up the server's claim on the volume, whatever became of it; with ``delete`` the
        volume ends when no claim is left. Doing it twice is harmless.
        """
        ...

    def release(self, server_ids: Collection[str], *, delete: Collection[str] = ()) -> None:
        """Give up every claim of these servers; volumes named in ``delete`` are deleted when no
        claim is left.
        """
        ...

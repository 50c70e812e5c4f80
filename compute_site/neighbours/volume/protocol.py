"""The protocol of volume services: everything that compute needs of one. Sizes are GiB."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, Fault, Unavailable
from compute_site.neighbours.calls import (
    joins_or_precedes,
    joins_transaction,
    outside_transactions,
)
from compute_site.neighbours.volume.clients import ClientsVolumes


class VolumeServiceUnavailable(Unavailable):
    """The volume service does not answer."""

    code = "volume_service_unavailable"


class VolumesNotReady(Unavailable):
    """Volumes are still being made; whoever waits for them asks again."""

    code = "volumes_not_ready"


class VolumeFailed(Conflict):
    """The service could not make a volume, or not connect it."""

    code = "volume_failed"


class VolumeQuotaReached(Fault):
    """The project has reached its limit of volumes, snapshots or gigabytes. 413, as in Cinder."""

    status = 413
    code = "volume_quota_reached"


class LimitBelowUse(BadRequest):
    """A limit would be below what the project uses; the text names it."""

    code = "limit_below_use"


class VolumeNotReservable(BadRequest):
    """The volume cannot be reserved in its status; the text names both."""

    code = "volume_not_reservable"


class VolumeNotSnapshottable(BadRequest):
    """No snapshot of the volume can be made in its status."""

    code = "volume_not_snapshottable"


class VolumeSpoiled(VolumeFailed):
    """The volume has neither the bytes of before nor those that it was to get."""

    code = "volume_spoiled"


class VolumeNotDetachable(BadRequest):
    """The volume cannot be detached in its status; the text names both."""

    code = "volume_not_detachable"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeData:
    """A volume that the caller may see. ``bootable`` is ``None`` if it is not set."""

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
    mark: str = ""
    """The same when the same volume is asked for again; a service elsewhere notes it with it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewSnapshot:
    """A snapshot to be made of a volume, which may be in use; a service elsewhere notes ``mark``
    with it.
    """

    volume_id: str
    name: str = ""
    mark: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A volume takes the place of another one that its service is moving, in a guest that runs."""

    server_id: str
    old_id: str
    new_id: str
    claim: str
    """The attachment of the new one."""
    device: str


class VolumeService(ClientsVolumes, Protocol):
    """Ids that are no canonical UUID find nothing. Every call raises
    ``VolumeServiceUnavailable`` on failure.

    Every call with a caller raises ``PolicyRefused`` where the policy rules of the volume service
    do not let the caller do it. Calls without a caller are made by compute itself and need no rule.

    What a call that changes something has to do with our transactions is said by its mark
    (``compute_site/neighbours/calls.py``) and, where it has to run before the answer, below it.
    """

    def find_volumes(self, caller: Caller, ids: Collection[str]) -> dict[str, VolumeData]: ...

    def find_snapshots(self, caller: Caller, ids: Collection[str]) -> dict[str, SnapshotData]: ...

    @outside_transactions
    def connect(self, volume_id: str, server_id: str, node: str) -> Mapping[str, Any] | None:
        """Let the node reach the bytes of a volume that the server has: the connection as the
        protocol of hypervisors has it (``servers/agent/hypervisor/protocol.py``); ``None``: it has
        no bytes. A second call tells the same.

        By what describes a guest to its host.
        """
        ...

    @outside_transactions
    def keep_connection(self, server_id: str, node: str) -> None:
        """From now on no other node reaches the volumes of the server, whoever still works there. A
        second call does nothing.

        By what makes a guest of the server on the node, before it does.
        """
        ...

    @outside_transactions
    def disconnect(self, server_id: str, node: str) -> None:
        """The node does not reach the volumes of the server any more. A second call does nothing.

        By the job that has ended the guest there; what is left, ``close_left_connections`` finds.
        """
        ...

    def find_connections(self) -> Collection[tuple[str, str]]:
        """The servers and nodes of all connections that can be ended."""
        ...

    @joins_transaction
    def connect_again(self, server_ids: Collection[str], node: str) -> None:
        """These servers lie on the node still, which was given up, and has come back: it reaches
        their volumes as before.
        """
        ...

    @outside_transactions
    def show_growth(self, volume_id: str, server_id: str, node: str) -> None:
        """Let the node see that the volume is larger, while the guest does nothing with it."""
        ...

    def find_types(self, caller: Caller, names: Collection[str]) -> Sequence[VolumeTypeData]:
        """The types that the caller may use whose id or name is among ``names``."""
        ...

    @joins_or_precedes
    def reserve(
        self, caller: Caller, pairs: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Reserve all these volumes for servers, or none: (volume id, server id) → attachment id.

        It joins the transaction that writes the servers or their disks, because the client is told
        when a volume is not free, and because a refused request must leave no reservation. A
        service elsewhere is asked before that transaction; ``TakeBackReservations`` then detaches
        what no row names.

        Raises:
            VolumeNotReservable: a volume is in use, reserved, or not available.
        """
        ...

    @joins_or_precedes
    def create(self, caller: Caller, server_id: str, volumes: Sequence[NewVolume]) -> list[str]:
        """Make volumes that are reserved for a server; return their ids in the same order.

        It joins the transaction of the build that notes the ids: a volume that no row knows would
        never be found again. A service elsewhere is asked before, and finds by its mark what it has
        made already.
        """
        ...

    @joins_or_precedes
    def create_snapshots(self, caller: Caller, snapshots: Sequence[NewSnapshot]) -> list[str]:
        """Make snapshots, also of volumes in use, with the volumes' descriptions; return their ids
        in the same order: all of them, or none.

        It joins the transaction that makes the image which names the snapshots. A service elsewhere
        is asked before; ``TakeBackSnapshots`` deletes them if nothing comes of it.

        Raises:
            VolumeNotSnapshottable: a volume does not exist, or is neither free nor in use.
        """
        ...

    def are_copied(self, snapshots: Collection[str]) -> bool:
        """Does it make no difference for these snapshots any more what is written to the volumes?
        Nova: those of a service elsewhere are not waited for.
        """
        ...

    @outside_transactions
    def spoil(self, snapshots: Collection[str]) -> None:
        """What these snapshots hold is not what they were to hold: nothing is made of them."""
        ...

    @joins_or_precedes
    def reimage(self, caller: Caller, volume_id: str, image_id: str) -> None:
        """Begin to overwrite the volume of a server with an image that the caller may use.

        It joins the transaction that begins the rebuild, which fails where the caller may not. A
        service elsewhere does nothing yet; ``finish_reimage`` does it all.
        """
        ...

    @outside_transactions
    def finish_reimage(self, server_id: str, volume_id: str, image_id: str) -> None:
        """After ``reimage``: let the bytes of the volume be those of the image. The server keeps
        it, but may have another attachment of it afterwards, which ``attach`` completes. A second
        call does no harm.

        By the job of the host that rebuilds the server, before it does.

        Raises:
            VolumesNotReady: not yet; whoever waits calls again.
            VolumeFailed: they could not be written; it has the ones of before.
            VolumeSpoiled: it has not even these.
        """
        ...

    @outside_transactions
    def delete_snapshots(self, volumes: Collection[str], mark: str) -> None:
        """Delete the snapshots of these volumes that have the mark. A second call does nothing.

        By the job ``TakeBackSnapshots``.
        """
        ...

    @outside_transactions
    def delete_unnamed(self, server_id: str, named: Collection[str]) -> None:
        """Delete volumes that were made for a server that ends, and that no disk of it names:
        whoever made them died before their ids were noted. A second call does nothing.

        By the jobs that release what a server has.
        """
        ...

    @outside_transactions
    def attach(self, server_id: str, devices: Mapping[str, str]) -> dict[str, str]:
        """Note that the server has the volumes (volume id → device name): they become ``in-use``.
        Returns volume id → attachment id of those that were reserved for it.

        Raises:
            VolumesNotReady: a service elsewhere is still making one.
            VolumeFailed: it could not make one.

        By the job of the host that attaches them, or builds the server. To a server that lies on no
        host, a volume is attached by the request itself, after its commit, and again by the job
        that brings the server to a host.
        """
        ...

    @joins_or_precedes
    def begin_detaching(self, caller: Caller, server_id: str, volume_id: str) -> None:
        """Begin to detach the volume: it becomes ``detaching``.

        It joins the transaction that hands the rest to the host, because the client is told when
        the volume cannot be detached. A service elsewhere is asked before that transaction;
        ``TakeBackDetaching`` then lets the volume stay where no host was told.

        Raises:
            VolumeNotDetachable: the server does not have it, or somebody detaches it already.
        """
        ...

    @outside_transactions
    def stop_detaching(self, server_id: str, volume_id: str) -> None:
        """Undo ``begin_detaching``: the server keeps the volume.

        By the job of the host that could not detach it.
        """
        ...

    @outside_transactions
    def detach(self, server_id: str, volume_id: str, *, delete: bool = False) -> None:
        """Delete the server's attachment of the volume, in whatever status it is; with ``delete``
        also the volume when no attachment is left. A second call does nothing.

        By the job of the host, before the disk's row goes; else by the job ``ReleaseVolume``.
        """
        ...

    @outside_transactions
    def finish_swap(self, swap: Swap) -> str:
        """The guest has the new volume: the server has it, and gives the old one up. Returns the id
        of the volume that the server has from now on: a service that has moved what a volume holds
        keeps the id of the old one. A second call tells the same.

        By the job of the host that has swapped them, before the disk's row says so.

        Raises:
            VolumeFailed: the new one cannot be attached.
        """
        ...

    @outside_transactions
    def give_up_swap(self, swap: Swap) -> None:
        """The guest keeps the old volume, and nothing has the new one. A second call does nothing.

        By the job of the host that could not swap them.
        """
        ...

    @outside_transactions
    def release(self, server_ids: Collection[str], *, delete: Collection[str] = ()) -> None:
        """Delete all attachments of these servers; volumes named in ``delete`` are deleted when no
        attachment is left. A second call does nothing.

        By the job of the host that deletes the server, before the server's row says so; else by the
        job ``ReleaseServices``.
        """
        ...

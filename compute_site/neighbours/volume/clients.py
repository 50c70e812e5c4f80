"""What compute asks of a volume service for clients that reach volumes and snapshots through
compute.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from compute_site.caller import Caller
from compute_site.neighbours.calls import joins_or_precedes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ListedVolume:
    """A volume; ``attached`` are pairs of server id and device name."""

    id: str
    name: str
    description: str
    size: int
    status: str
    availability_zone: str
    volume_type: str | None
    snapshot_id: str | None
    metadata: Mapping[str, str]
    created_at: dt.datetime
    attached: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ListedSnapshot:
    """A snapshot of a volume."""

    id: str
    volume_id: str
    name: str
    description: str
    size: int
    status: str
    created_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WantedVolume:
    """A volume to be made: empty, or from a snapshot. ``volume_type`` is a name or an id."""

    size: int
    name: str = ""
    description: str = ""
    snapshot_id: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WantedSnapshot:
    """A snapshot to be made. With ``force`` the volume may be in use."""

    volume_id: str
    name: str = ""
    description: str = ""
    force: bool = False


class ClientsVolumes(Protocol):
    """A part of ``VolumeService``, and bound by what is said there."""

    def list_volumes(
        self, caller: Caller, ids: Collection[str] | None = None
    ) -> Sequence[ListedVolume]:
        """The volumes of the caller's project, the newest first, or those of these ids that the
        caller sees.
        """
        ...

    @joins_or_precedes
    def make_volume(self, caller: Caller, wanted: WantedVolume) -> str:
        """Make a volume of the caller's project; return its id.

        Raises:
            NotFound: there is no such snapshot or type.
            BadRequest: it would be smaller than its snapshot.
            VolumeQuotaReached: the project has too many.
        """
        ...

    @joins_or_precedes
    def remove_volume(self, caller: Caller, volume_id: str) -> None:
        """Raises ``BadRequest`` where the volume is in use or has snapshots."""
        ...

    def list_snapshots(
        self, caller: Caller, ids: Collection[str] | None = None
    ) -> Sequence[ListedSnapshot]:
        """As ``list_volumes``."""
        ...

    @joins_or_precedes
    def make_snapshot(self, caller: Caller, wanted: WantedSnapshot) -> str:
        """Make a snapshot; return its id.

        Raises:
            NotFound: there is no such volume.
            BadRequest: the volume is in use, and nothing is forced.
            VolumeQuotaReached: the project has too many.
        """
        ...

    @joins_or_precedes
    def remove_snapshot(self, caller: Caller, snapshot_id: str) -> None:
        """Delete the snapshot, if the caller sees it."""
        ...

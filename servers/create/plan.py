"""The plan of a request: everything looked up, checked and decided, nothing written yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from servers.create.order import ServerOrder
from servers.create.ports import NicPlan
from servers.create.sources import DiskSources
from servers.create.target import Target
from servers.machine.disk import Disk
from servers.machine.plan import Machine
from servers.machine.references import Kernel
from servers.models import KeyPair, ServerGroup


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """What ``provision`` needs. Two things are left to it, because the quota has the first word:
    the number of servers, up to ``max_count``, and the rules on disks.
    """

    order: ServerOrder
    max_count: int
    target: Target
    machine: Machine
    kernel: Kernel
    root_name: str | None
    key_pair: KeyPair | None
    security_groups: Sequence[str]
    nics: NicPlan
    disks: Sequence[Disk]
    sources: DiskSources
    group: ServerGroup | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What the client is told: the first server, and the reservation that all of them share."""

    uuid: str
    reservation_id: str
    admin_password: str
    auto_disk_config: bool

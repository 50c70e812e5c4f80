"""The plan of a request: everything is looked up, checked and decided; nothing is written yet."""

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
    """What ``provision`` needs. It still decides the number of servers (up to ``max_count``) and
    checks the rules on disks, because both come after the quota.
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
    """The result for the client: the first server, and the reservation id of all of them."""

    uuid: str
    reservation_id: str
    admin_password: str
    auto_disk_config: bool

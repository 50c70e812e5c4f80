"""Actions whose states are checked but that no host here can do yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from compute_site.faults import NotSupported
from compute_site.identity.caller import Caller
from servers.change.guard import check_state, check_unlocked
from servers.models import Instance, VmState


class ActionNotServed(NotSupported):
    """Nothing here does that with a server."""

    code = "action_not_served"


@dataclasses.dataclass(frozen=True, slots=True)
class UnservedAction:
    """``states`` are those that would allow it; ``doing`` completes "one cannot …"."""

    doing: str
    states: Collection[str]

    def refuse(self, caller: Caller, instance: Instance) -> None:
        """Raises ``ServerLocked`` or ``WrongState``, else ``ActionNotServed``."""
        check_unlocked(caller, instance)
        check_state(instance, self.states, self.doing, idle=True)
        raise ActionNotServed(f"Nobody can {self.doing} here yet.")


MIGRATE_LIVE = UnservedAction("migrate it", (VmState.ACTIVE, VmState.PAUSED))

"""Carries out orders, so that each counts once whatever dies meanwhile.

An order is remembered before it begins and when it has ended. One that is older than the last that
changed its guest is refused; one that is repeated finds things as they shall be.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any

from servers.agent.guests import Guests, Record
from servers.agent.hypervisor.protocol import GuestFailed, Hypervisor, NoGuest, Power
from servers.agent.images import Images
from servers.agent.network.protocol import Wires

logger = logging.getLogger(__name__)

POWER_CHANGES = frozenset(
    ("start", "stop", "reboot", "reset", "pause", "unpause", "suspend", "resume")
)
Order = Mapping[str, Any]
Answer = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Worker:
    """Carries out orders about one server at a time; several servers at once are fine."""

    hypervisor: Hypervisor
    guests: Guests
    images: Images
    wires: Wires

    def carry_out(self, order: Order) -> Answer:
        """The answer for the site."""
        try:
            self._check_fresh(order)
            return {"ok": True, "result": self._do(order)}
        except GuestFailed as error:
            return {"ok": False, "fault": str(error), "code": error.code}
        except Exception as error:
            logger.exception("order %s failed", order["id"])
            fault = f"something unexpected went wrong on the host ({type(error).__name__})"
            return {"ok": False, "fault": fault, "code": "unexpected"}

    def _check_fresh(self, order: Order) -> None:
        known = self.guests.find(str(order["server_id"]))
        if known is not None and int(order["seq"]) < known.seq:
            raise GuestFailed("a later order has been carried out already", "stale")

    def _is_done(self, order: Order) -> bool:
        """Was it carried out before the answer could be kept?"""
        known = self.guests.find(str(order["server_id"]))
        return known is not None and int(order["seq"]) == known.seq

    def _do(self, order: Order) -> Answer:
        task = str(order["task"])
        if self._is_done(order) and task in (*POWER_CHANGES, "attach_nic", "detach_nic"):
            return self._state(str(order["server_id"]))
        if task in POWER_CHANGES:
            return self._change_power(order, task)
        known: dict[str, Callable[[Order], Answer]] = {
            "spawn": self._build,
            "rebuild": self._build,
            "destroy": self._destroy,
            "attach_nic": self._attach_nic,
            "detach_nic": self._detach_nic,
            "read_console": self._read_console,
            "network_changed": self._network_changed,
        }
        if task not in known:
            raise GuestFailed(f"the agent of this host cannot {task[:40]}", "unsupported")
        return known[task](order)

    def _build(self, order: Order) -> Answer:
        server_id, generation = str(order["server_id"]), int(order["generation"])
        known = self.guests.find(server_id)
        power = self.hypervisor.power_states().get(server_id)
        done = known is not None and not known.gone and known.built == generation
        if not (done and generation and power is not None):
            arguments = order["arguments"]
            image = self.images.fetch(arguments["image"])
            self.hypervisor.destroy(server_id)
            self.hypervisor.spawn(arguments["guest"], image)
        self.guests.note(Record(server_id, int(order["seq"]), generation))
        return self._state(server_id)

    def _destroy(self, order: Order) -> Answer:
        server_id = str(order["server_id"])
        self.hypervisor.destroy(server_id)
        self.guests.note(Record(server_id, int(order["seq"]), 0, gone=True))
        return {}

    def _change_power(self, order: Order, change: str) -> Answer:
        self.hypervisor.change_power(self._known(order), change)
        return self._note(order)

    def _attach_nic(self, order: Order) -> Answer:
        self.hypervisor.attach_nic(self._known(order), order["arguments"]["nic"])
        return self._note(order)

    def _detach_nic(self, order: Order) -> Answer:
        self.hypervisor.detach_nic(self._known(order), str(order["arguments"]["port_id"]))
        return self._note(order)

    def _read_console(self, order: Order) -> Answer:
        """Changes nothing, so that nothing is noted but the order."""
        text = self.hypervisor.read_console(self._known(order))
        self._note(order)
        return {"text": text[-100_000:]}

    def _network_changed(self, order: Order) -> Answer:
        """It is about a network in place of a server."""
        self.wires.update(str(order["server_id"]))
        return {}

    def _known(self, order: Order) -> str:
        """Raises ``NoGuest`` for what is none of ours."""
        server_id = str(order["server_id"])
        known = self.guests.find(server_id)
        if known is None or known.gone:
            raise NoGuest(server_id)
        return server_id

    def _note(self, order: Order) -> Answer:
        server_id = str(order["server_id"])
        known = self.guests.find(server_id)
        built = known.built if known is not None else 0
        self.guests.note(Record(server_id, int(order["seq"]), built))
        return self._state(server_id)

    def _state(self, server_id: str) -> Answer:
        power = self.hypervisor.power_states().get(server_id, Power.NO_STATE)
        return {"power_state": int(power)}

"""Carries out orders, so that each counts once whatever dies meanwhile.

An order is remembered before it begins and when it has ended. One that is older than the last that
changed its guest is refused; one that is repeated finds things as they shall be.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from servers.agent.consoles import Consoles
from servers.agent.guests import Guests, Record
from servers.agent.hypervisor.protocol import (
    COPIED,
    GuestFailed,
    Hypervisor,
    Live,
    NoGuest,
    Power,
)
from servers.agent.images import Images
from servers.agent.network.protocol import Wires
from servers.agent.transfer import Files, Transfer, describe_file

logger = logging.getLogger(__name__)

POWER_CHANGES = frozenset(
    ("start", "stop", "reboot", "reset", "pause", "unpause", "suspend", "resume")
)
MEANWHILE = frozenset(("live_abort", "live_force", "console"))
"""Tasks about what goes on: they wait for no other order about the same server."""
NETWORK_CHANGED = "network_changed"
LONG = frozenset(
    ("spawn", "rebuild", "rescue", "snapshot", "swap_disk", "pack", "unpack", "take_back")
)
"""Tasks that may take as long as they need while the agent says that it is at it."""
STOP_SECONDS = 60
LOOK_SECONDS = 0.2
"""How often a live migration is looked at."""
LOOKS = 60
"""How often in vain, before it is given up."""
LONGEST_CONSOLE = 100_000
Order = Mapping[str, Any]
Answer = dict[str, Any]
Tell = Callable[[Order, Mapping[str, Any]], None]
"""Tells the site how far an order is: ``percent``, and ``copied`` of a live migration."""
TELL_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Worker:
    """Carries out orders about one server at a time; several servers at once are fine. ``folder``
    holds the disks of guests that move.
    """

    hypervisor: Hypervisor
    guests: Guests
    images: Images
    wires: Wires
    transfer: Transfer
    folder: Path
    tell: Tell = lambda _order, _progress: None
    consoles: Consoles = dataclasses.field(default_factory=lambda: Consoles(""))
    interventions: dict[str, tuple[int, str]] = dataclasses.field(default_factory=dict)
    """What shall become of live migrations, which may not have begun yet: by server, the place in
    the sequence of the order that says so, and its task.
    """

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

    def end(self, server_id: str) -> None:
        """End a guest and all that is kept of it."""
        self.hypervisor.destroy(server_id)
        shutil.rmtree(self.folder / server_id, ignore_errors=True)

    def _check_fresh(self, order: Order) -> None:
        known = self.guests.find(str(order["server_id"]))
        is_old = known is not None and int(order["seq"]) < known.seq
        if is_old and order["task"] not in MEANWHILE:
            raise GuestFailed("a later order has been carried out already", "stale")

    def _is_done(self, order: Order) -> bool:
        """Was it carried out before the answer could be kept?"""
        known = self.guests.find(str(order["server_id"]))
        return known is not None and int(order["seq"]) == known.seq

    def _do(self, order: Order) -> Answer:
        task = str(order["task"])
        tells: dict[str, Callable[[Order], Answer]] = {
            "spawn": self._build,
            "rebuild": self._build,
            "destroy": self._destroy,
            "read_console": self._read_console,
            "diagnostics": self._diagnostics,
            "console": self._console,
            "snapshot": self._snapshot,
            "pack": self._pack,
            "unpack": self._unpack,
            "take_back": self._unpack,
            "drop": self._drop,
            "grow_disk": self._grow_disk,
            "freeze": self._freeze,
            "thaw": self._thaw,
            NETWORK_CHANGED: self._network_changed,
            "live_disks": self._live_disks,
            "live_prepare": self._live_prepare,
            "live_start": self._live_start,
            "live_abort": self._intervene,
            "live_force": self._intervene,
            "live_finish": self._live_finish,
        }
        if task in tells:
            return tells[task](order)
        change = self._change(task, str(order["server_id"]), order["arguments"])
        if change is None:
            raise GuestFailed(f"the agent of this host cannot {task[:40]}", "unsupported")
        if self._is_done(order):
            return self._state(str(order["server_id"]))
        self._known(order)
        change()
        return self._note(order)

    def _change(
        self, task: str, server_id: str, arguments: Mapping[str, Any]
    ) -> Callable[[], None] | None:
        """What changes a guest that there is, and tells its power state afterwards."""
        host = self.hypervisor
        if task in POWER_CHANGES:
            timeout = int(arguments.get("timeout", STOP_SECONDS))
            return lambda: host.change_power(server_id, task, timeout=timeout)
        changes: dict[str, Callable[[], None]] = {
            "rescue": lambda: host.rescue(
                {**arguments["guest"], "rescue_disk": _rescue_disk(arguments["image"])},
                self.images.fetch(arguments["image"]),
            ),
            "unrescue": lambda: host.unrescue(arguments["guest"]),
            "set_password": lambda: host.set_password(server_id, str(arguments["password"])),
            "crash": lambda: host.crash(server_id),
            "attach_nic": lambda: host.attach_nic(server_id, arguments["nic"]),
            "detach_nic": lambda: host.detach_nic(server_id, str(arguments["port_id"])),
            "attach_disk": lambda: host.attach_disk(server_id, arguments["disk"]),
            "detach_disk": lambda: host.detach_disk(server_id, str(arguments["volume_id"])),
            "swap_disk": lambda: host.swap_disk(
                server_id, str(arguments["volume_id"]), arguments["disk"]
            ),
        }
        return changes.get(task)

    # a guest's life

    def _build(self, order: Order) -> Answer:
        server_id = str(order["server_id"])
        if not self._is_built(order):
            arguments = order["arguments"]
            image = self.images.fetch(arguments["image"]) if arguments.get("image") else None
            self.hypervisor.destroy(server_id)
            self.hypervisor.spawn(arguments["guest"], image)
        self.guests.note(Record(server_id, int(order["seq"]), int(order["generation"])))
        return self._state(server_id)

    def _is_built(self, order: Order) -> bool:
        """Is there a guest that was made for this action already?"""
        server_id, generation = str(order["server_id"]), int(order["generation"])
        known = self.guests.find(server_id)
        if known is None or known.gone or not generation or known.built != generation:
            return False
        return server_id in self.hypervisor.power_states()

    def _destroy(self, order: Order) -> Answer:
        server_id = str(order["server_id"])
        self.end(server_id)
        self.guests.note(Record(server_id, int(order["seq"]), 0, gone=True))
        return {}

    def _read_console(self, order: Order) -> Answer:
        """Changes nothing, so that nothing is noted but the order."""
        text = self.hypervisor.read_console(self._known(order))
        self._note(order)
        return {"text": text[-LONGEST_CONSOLE:]}

    def _console(self, order: Order) -> Answer:
        server_id, kind = self._known(order), str(order["arguments"]["kind"])
        return {"console": self.consoles.offer(self.hypervisor.console(server_id, kind))}

    def _diagnostics(self, order: Order) -> Answer:
        seen = self.hypervisor.diagnostics(self._known(order))
        self._note(order)
        return {"diagnostics": seen}

    def _snapshot(self, order: Order) -> Answer:
        """The site has the data before the answer. What was written is not kept."""
        server_id, order_id = self._known(order), str(order["id"])
        if not self.transfer.has_snapshot(order_id):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            target = self.folder / f"{order_id}.snapshot"
            target.unlink(missing_ok=True)
            try:
                disk_format = self.hypervisor.snapshot(server_id, target)
                self.transfer.send_snapshot(order_id, target, disk_format)
            finally:
                target.unlink(missing_ok=True)
        return self._note(order)

    def _grow_disk(self, order: Order) -> Answer:
        server_id, arguments = self._known(order), order["arguments"]
        if not self._is_done(order):
            self.hypervisor.grow_disk(
                server_id,
                str(arguments["volume_id"]),
                int(arguments["size_gb"]),
                lambda: self.transfer.show_growth(str(order["id"])),
            )
        return self._note(order)

    def _freeze(self, order: Order) -> Answer:
        server_id, told = self._known(order), order["arguments"]
        self.hypervisor.freeze(server_id, float(told["seconds"]), str(told["whom"]))
        return self._note(order)

    def _thaw(self, order: Order) -> Answer:
        held = self.hypervisor.thaw(self._known(order), str(order["arguments"]["whom"]))
        return {"held": held, **self._note(order)}

    # moves

    def _pack(self, order: Order) -> Answer:
        """The guest ends here when the site has all of its disks. Where that fails, it goes on."""
        server_id = self._known(order)
        power = self.hypervisor.power_states().get(server_id)
        kept = self.folder / server_id
        listed = self.transfer.list_of(kept)
        if listed is None or power is not None:
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True, mode=0o700)
            try:
                self.hypervisor.pack(server_id, kept)
                listed = self.transfer.write_list(kept)
                if order["arguments"].get("leaves"):
                    self.transfer.send_files(str(order["id"]), kept, listed)
            except GuestFailed:
                shutil.rmtree(kept, ignore_errors=True)
                if order["arguments"].get("running"):
                    self.hypervisor.change_power(server_id, "start")
                raise
            self.hypervisor.destroy(server_id)
        self.guests.note(Record(server_id, int(order["seq"]), 0))
        return {"files": listed}

    def _unpack(self, order: Order) -> Answer:
        """From what this host keeps of it, or what another has sent."""
        server_id, arguments = str(order["server_id"]), order["arguments"]
        kept = self.folder / server_id
        if not self._is_built(order):
            if arguments.get("comes"):
                self.transfer.fetch_files(str(order["id"]), kept, arguments["files"])
            elif self.transfer.list_of(kept) is None:
                raise GuestFailed("this host does not have the disks of the guest", "no_disks")
            self.hypervisor.destroy(server_id)
            self.hypervisor.unpack(arguments["guest"], kept, running=bool(arguments["running"]))
        self.guests.note(Record(server_id, int(order["seq"]), int(order["generation"])))
        if arguments.get("comes") or order["task"] == "take_back":
            shutil.rmtree(kept, ignore_errors=True)
        return self._state(server_id)

    def _drop(self, order: Order) -> Answer:
        """Forget what was kept; where the guest has left this host, it is gone now."""
        server_id = str(order["server_id"])
        shutil.rmtree(self.folder / server_id, ignore_errors=True)
        if server_id in self.hypervisor.power_states():
            self._note(order)
        else:
            self.guests.note(Record(server_id, int(order["seq"]), 0, gone=True))
        return {}

    def _live_disks(self, order: Order) -> Answer:
        server_id = self._known(order)
        if self.interventions.get(server_id, (0, ""))[0] < int(order["seq"]):
            self.interventions.pop(server_id, None)  # of a migration before
        sizes = self.hypervisor.live_disks(server_id)
        files = self._send_along(str(order["id"]), self.hypervisor.live_files(server_id))
        self._note(order)
        return {"sizes": sizes, "files": files}

    def _send_along(self, order_id: str, paths: Sequence[Path]) -> Files:
        """What goes with a guest that moves while it runs. A site that does not take it, because it
        is older, is no reason to stay.
        """
        files = [describe_file(path) for path in paths]
        try:
            for path, file in zip(paths, files, strict=True):
                self.transfer.send_files(order_id, path.parent, [file])
        except GuestFailed as error:
            logger.warning("%s", error)
            return []
        return files

    def _live_prepare(self, order: Order) -> Answer:
        server_id, arguments = str(order["server_id"]), order["arguments"]
        if server_id not in self.hypervisor.power_states():
            self.hypervisor.destroy(server_id)
        brought = self.folder / server_id
        shutil.rmtree(brought, ignore_errors=True)
        try:
            self.transfer.fetch_files(str(order["id"]), brought, arguments.get("files") or ())
            sizes = arguments.get("sizes") or {}
            to = self.hypervisor.live_prepare(arguments["guest"], sizes, brought)
        finally:
            shutil.rmtree(brought, ignore_errors=True)
        self.guests.note(Record(server_id, int(order["seq"]), int(order["generation"])))
        return {"to": to}

    def _live_start(self, order: Order) -> Answer:
        """Until it has come to its end. Repeated after a crash it finds it going on, or over."""
        server_id, arguments = self._known(order), order["arguments"]
        if server_id in self.hypervisor.power_states():
            copies = bool(arguments.get("copies"))
            self.hypervisor.live_start(server_id, arguments["to"], copy_disks=copies)
        told, wanted = float("-inf"), ""
        while True:
            wanted = self.interventions.pop(server_id, (0, wanted))[1]
            seen = self._look_at_move(server_id, wanted)
            if seen["state"] == Live.DONE:
                self.guests.note(Record(server_id, int(order["seq"]), 0))
                return {}
            if seen["state"] == Live.ABORTED:
                self._note(order)
                raise GuestFailed("the live migration was aborted", "aborted")
            if seen["state"] == Live.FAILED:
                self._note(order)
                raise GuestFailed(str(seen.get("fault") or "it failed"), "live")
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                copied = {name: int(seen[name]) for name in COPIED if name in seen}
                self.tell(order, {"percent": int(seen.get("percent", 0)), "copied": copied})
            time.sleep(LOOK_SECONDS)

    def _look_at_move(self, server_id: str, wanted: str) -> Mapping[str, Any]:
        """How far a live migration is, after it was told what is ``wanted``, which it hears again
        until it ends: it may not have begun. That nobody can be asked tells nothing of where the
        guest is, and must not end the order.
        """
        try:
            if wanted == "live_abort":
                self.hypervisor.live_abort(server_id)
            elif wanted:
                self.hypervisor.live_force(server_id)
        except Exception as error:  # noqa: BLE001 - most likely it has come to its end
            logger.warning("live migration of %s: %s", server_id, error)
        for _ in range(LOOKS):
            with contextlib.suppress(Exception):  # such as a libvirtd that begins anew
                return self.hypervisor.live_progress(server_id)
            time.sleep(TELL_SECONDS)
        return self.hypervisor.live_progress(server_id)

    def _intervene(self, order: Order) -> Answer:
        """``_live_start`` does it."""
        self.interventions[self._known(order)] = int(order["seq"]), str(order["task"])
        return {}

    def _live_finish(self, order: Order) -> Answer:
        self._known(order)
        self.hypervisor.live_finish(order["arguments"]["guest"])
        return self._note(order)

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


def _rescue_disk(image: Mapping[str, Any]) -> dict[str, str]:
    """How the image wants to be attached; empty: in the place of the root disk."""
    bus, device = image.get("rescue_bus"), image.get("rescue_device")
    return {"bus": str(bus or "virtio"), "device": str(device or "disk")} if bus or device else {}

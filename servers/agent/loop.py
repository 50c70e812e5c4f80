"""The agent at work: asks for orders, carries them out, answers, and says that the host lives.

Guests do not depend on it: it may end and begin again at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from servers.agent import certificates
from servers.agent.client import Client, SiteFailed
from servers.agent.consoles import Consoles
from servers.agent.ending import end_guests, running_of
from servers.agent.failures import GuestFailed
from servers.agent.guests import Guests
from servers.agent.hypervisor.protocol import Hypervisor, Power
from servers.agent.images import GIB, Images
from servers.agent.journal import Entry, Journal
from servers.agent.kept_running import KeptRunning
from servers.agent.machine import PROTOCOLS, VERSION, boot_id, load_of
from servers.agent.network.none import NoWires
from servers.agent.network.protocol import Wires
from servers.agent.orders import LONG, MEANWHILE, NETWORK_CHANGED, Order, Worker
from servers.agent.settings import Identity, Settings, save_identity
from servers.agent.transfer import Transfer

logger = logging.getLogger(__name__)

WAIT_SECONDS = 25
HEARTBEAT_SECONDS = 10.0
"""Until the site says otherwise."""
LONGEST_PAUSE = 10.0
"""Between two tries to reach the site."""
REFUSED_PAUSE = 30.0
"""Where the site does not know the token any more, somebody has to do something."""
REPORTED_AT_ONCE = 500
RENEW_LOOK = 300.0
"""How often it is looked whether certificates are old."""
START_AGAIN = "start_again"
"""The task of what is no order: a guest that ran before is started."""


class OtherAgent(Exception):
    """Another agent works with the same state folder."""


class Agent:
    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        hypervisor: Hypervisor,
        *,
        wires: Wires | None = None,
        client: Client | None = None,
    ) -> None:
        """``client`` is the one that ``wires`` asks, too."""
        folder = Path(settings.state_dir)
        self.settings = settings
        self.folder = folder
        self.hypervisor = hypervisor
        self.client = client or Client(settings.site, identity, ca_file=settings.ca_file)
        self.wires = wires or NoWires()
        self.guests = Guests(folder / "guests")
        self.journal = Journal(folder / "orders")
        images = Images(folder / "images", self.client, most_bytes=settings.image_cache_gb * GIB)
        transfer = Transfer(self.client, pause=settings.idle_seconds)
        moves = folder / "moves"
        for path in moves.glob("*.snapshot"):  # of an earlier life
            path.unlink(missing_ok=True)
        self.consoles = Consoles(settings.console_listen)
        self.worker = Worker(
            hypervisor,
            self.guests,
            images,
            self.wires,
            transfer,
            moves,
            self._tell,
            self.consoles,
        )
        self.busy: dict[str, Order] = {}
        """The orders that are carried out now, by their ids."""
        self.stop = threading.Event()
        self.queues = Queues(settings.max_spawns, self._carry_out)
        self.meanwhile = Queues(1, self._carry_out)
        """Of orders about what goes on: they wait for no other one."""
        self.changes = Queues(1, self._carry_out)
        """Of what is new of networks, which guests that are made for minutes do not hold up."""
        self.outbox: deque[Entry] = deque(self.journal.unsent())
        self.to_send = threading.Event()
        self.after = 0
        """The place in the sequence up to which orders were taken in this life and epoch."""
        self.heartbeat_seconds = HEARTBEAT_SECONDS
        self.protocol = 0
        """What is spoken with the site; 0: it was not heard yet."""
        self.told: dict[str, int] = {}
        """The power states that the site was told last."""
        self.has_told_stock = False
        """In this life: the machine, and what it can do, may have changed since it joined."""
        self.fenced = threading.Event()
        self.kept_running = KeptRunning(folder)
        self.to_start: set[str] = set()
        """Guests that shall run and do not; they wait until the site was heard, which may have
        given them to another host. It is told nothing of them meanwhile.
        """
        self.heard_at = time.monotonic()
        """When the last heartbeat that was answered was sent."""

    def run(self) -> None:
        """Work until ``stop`` is set, then end what has begun."""
        with only_one(self.folder):
            self.wires.resume()
            self.consoles.start()
            self.heard_at = time.monotonic()
            self.to_start = set(self._ended_before())
            doing = [self._poll, self._send, self._beat, self._watch, self._refresh]
            if self.settings.migration_address:
                doing.append(self._renew)
            if self.settings.stop_guests_after_seconds:
                doing.append(self._guard)
            threads = [
                threading.Thread(target=self._again, args=(do,), name=do.__name__, daemon=True)
                for do in doing
            ]
            for thread in threads:
                thread.start()
            self.stop.wait()
            self.meanwhile.finish()
            self.changes.finish()
            self.queues.finish()
            self.to_send.set()
            for thread in threads[1:]:  # the first may wait for the site for long
                thread.join(WAIT_SECONDS)
            with contextlib.suppress(SiteFailed):  # else the next life sends it
                self._send()
            self.consoles.stop()
            self.wires.stop()

    def _again(self, do: Callable[[], float]) -> None:
        """Do it again and again, after so many seconds each time; longer where the site is away."""
        failures = 0
        while not self.stop.is_set():
            try:
                pause = do()
                failures = 0
            except SiteFailed as error:
                failures += 1
                pause = self._pause_after(error, failures)
            except Exception:
                logger.exception("%s failed", do.__name__)
                failures += 1
                pause = LONGEST_PAUSE
            if pause:
                self.stop.wait(pause)

    def _pause_after(self, error: SiteFailed, failures: int) -> float:
        if error.is_fence:
            self.fenced.set()
            return self.settings.idle_seconds
        logger.warning("%s", error)
        if error.status == 401:
            return REFUSED_PAUSE
        return float(min(LONGEST_PAUSE, 0.25 * 2**failures) * random.uniform(0.5, 1.0))  # noqa: S311 - only to spread hosts

    # orders

    def _poll(self) -> float:
        if self.fenced.is_set() or self.to_start:  # what is ordered comes after these
            return self.settings.idle_seconds
        began = time.monotonic()
        answer = self.client.get(f"orders?after={self.after}&wait={WAIT_SECONDS}")
        if self.fenced.is_set():
            return 0.0  # what came is of the epoch before
        for order in answer["orders"] if answer else ():
            self._take(order)
        waited = time.monotonic() - began
        return 0.0 if answer else max(self.settings.idle_seconds - waited, 0.0)

    def _take(self, order: Order) -> None:
        self.after = max(self.after, int(order["seq"]))
        known = self.journal.find(str(order["id"]))
        if known is not None and known.answer is not None:
            self._answer(known)  # the site has not heard it
        else:
            self._queues_of(order).put(str(order["server_id"]), str(order["id"]), order)

    def _queues_of(self, order: Order) -> Queues:
        if order["task"] == NETWORK_CHANGED:
            return self.changes
        return self.meanwhile if order["task"] in MEANWHILE else self.queues

    def _carry_out(self, order: Order) -> None:
        if order["task"] == START_AGAIN:
            self._start_again(str(order["server_id"]))
            return
        entry = self.journal.begin(order)
        self.busy[entry.id] = order
        try:
            answer = self.worker.carry_out(order)
        finally:
            del self.busy[entry.id]
        self.journal.finish(entry, answer)
        self._answer(entry)

    def _tell(self, order: Order, progress: Mapping[str, Any]) -> None:
        """Tell the site how far an order is; that the site is away is no reason to end it."""
        with contextlib.suppress(SiteFailed):
            self.client.post(f"orders/{order['id']}/progress", progress)

    def _tell_of_long_ones(self) -> None:
        for order in list(self.busy.values()):
            if order["task"] in LONG:
                self._tell(order, {"percent": 0})

    def _answer(self, entry: Entry) -> None:
        self.outbox.append(entry)
        self.to_send.set()

    def _send(self) -> float:
        """Send the answers that wait, one after the other."""
        self.to_send.wait(self.settings.idle_seconds)
        self.to_send.clear()
        while self.outbox:
            entry = self.outbox[0]
            try:
                self.client.post(f"orders/{entry.id}/done", entry.answer or {})
            except SiteFailed as error:
                if error.may_pass or error.status in (401, 410):
                    raise
                logger.warning("order %s (%s): %s", entry.id, entry.task, error)
            self.journal.note_sent(entry)
            self.outbox.popleft()
        return 0.0

    # reports

    def _beat(self) -> float:
        if self.fenced.is_set():
            self._come_back()
        load = load_of(self.folder, guests=len(self.guests.present()))
        beat = {
            "boot_id": boot_id(),
            "version": VERSION,
            "protocols": PROTOCOLS,
            "load": load,
            "wires": self.wires.facts(),
            "doing": list(self.busy),
        }
        if not self.has_told_stock:
            with contextlib.suppress(GuestFailed):
                beat["stock"] = self.hypervisor.stock()
        sent = time.monotonic()
        answer = self.client.post("heartbeat", beat)
        self.has_told_stock = self.has_told_stock or "stock" in beat
        self.heard_at = sent
        self.heartbeat_seconds = float(answer["heartbeat_seconds"])
        self._note_protocol(int(answer.get("protocol", PROTOCOLS[0])))
        self._tell_of_long_ones()
        for server_id in sorted(self.to_start):
            task = {"task": START_AGAIN, "server_id": server_id}
            self.queues.put(server_id, START_AGAIN, task)
        if answer["sync"]:
            self._report_all()
        return self._next_beat()

    def _note_protocol(self, protocol: int) -> None:
        """The one that the site speaks from now on; older sites do not tell."""
        if protocol != self.protocol:
            logger.info("the protocol %s is spoken with the site", protocol)
        self.protocol = protocol

    def _next_beat(self) -> float:
        """Nothing, once the site has told that it gave this host up."""
        began = time.monotonic()
        while not self.stop.is_set() and not self.fenced.is_set():
            left = began + self.heartbeat_seconds - time.monotonic()
            if left <= 0:
                break
            self.stop.wait(min(left, self.settings.idle_seconds))
        return 0.0

    def _watch(self) -> float:
        """Tell of guests that are in another state than the site was told; now and then of all."""
        began = time.monotonic()
        self._report_all()
        while not self.stop.wait(self.settings.watch_seconds):
            if time.monotonic() - began > self.settings.report_seconds:
                return 0.0
            if not self.fenced.is_set():
                self._report_changes()
        return 0.0

    def _refresh(self) -> float:
        """What the site did not tell of networks, or this host did not hear."""
        if not self.fenced.is_set():
            self.wires.refresh()
        return self.settings.report_seconds

    def _report_changes(self) -> None:
        seen = self._seen()
        changed = [one for one in seen if self.told.get(one["server_id"]) != one["power_state"]]
        if changed:
            self._report(changed, all_of_them=False)

    def _report_all(self) -> None:
        if not self.fenced.is_set():
            self._report(self._seen(), all_of_them=True)

    def _seen(self) -> list[dict[str, Any]]:
        """The guests and their states. The last order is read first: a state that is older than the
        order that is told with it would be believed.
        """
        records = self.guests.present()
        states = self.hypervisor.power_states()
        waiting = frozenset(self.to_start)
        self.kept_running.note(running_of(states) | waiting, ended=bool(waiting))
        return [
            {
                "server_id": server_id,
                "seq": records[server_id].seq if server_id in records else 0,
                "power_state": int(power),
            }
            for server_id, power in states.items()
            if server_id not in waiting
        ]

    def _report(self, seen: list[dict[str, Any]], *, all_of_them: bool) -> None:
        for begin in range(0, max(len(seen), 1), REPORTED_AT_ONCE):
            part = seen[begin : begin + REPORTED_AT_ONCE]
            whole = all_of_them and len(seen) <= REPORTED_AT_ONCE
            answer = self.client.post("guests", {"guests": part, "all": whole})
            for server_id in answer["unknown"]:
                logger.warning("the site knows no server %s on this host", server_id)
        self.told.update({one["server_id"]: one["power_state"] for one in seen})

    # certificates

    def _renew(self) -> float:
        """Others for this host's certificates, in time. Older sites have none to give."""
        if self.fenced.is_set() or not certificates.are_old(self.folder):
            return RENEW_LOOK
        asked = certificates.make_requests(self.folder, renew=True)
        told = {**asked, "migration_address": self.settings.migration_address}
        try:
            certificates.keep(self.folder, self.client.post("certificate", told))
        except SiteFailed as error:
            if error.status != 404:
                raise
            return RENEW_LOOK
        why_not = self.hypervisor.use_certificates()
        if why_not is not None:
            logger.warning("the new certificates of this host are not used yet: %s", why_not)
        return RENEW_LOOK

    # guests that ran

    def _ended_before(self) -> frozenset[str]:
        after_boot = self.settings.resume_guests_state_on_host_boot
        ended = self.kept_running.to_start(after_boot=after_boot)
        return ended & self.guests.present().keys()

    def _start_again(self, server_id: str) -> None:
        known = self.guests.find(server_id)
        try:
            if known is None or known.gone:
                return
            power = self.hypervisor.power_states().get(server_id)
            if power in (Power.SHUT_DOWN, Power.CRASHED):
                logger.info("guest %s ran before and is started again", server_id)
                self.hypervisor.change_power(server_id, "start")
        except GuestFailed as error:
            logger.warning("guest %s could not be started again: %s", server_id, error)
        finally:
            self.to_start.discard(server_id)

    def _guard(self) -> float:
        """End guests once the site may believe that this host is dead, and build them elsewhere."""
        silent = time.monotonic() - self.heard_at
        if silent > self.settings.stop_guests_after_seconds:
            running = running_of(self.hypervisor.power_states())
            if running:
                logger.warning(
                    "the site was not heard for %d s; %d guests end", silent, len(running)
                )
                self.to_start |= running
                self.kept_running.note(self.to_start, ended=True)
                end_guests(self.hypervisor, running, seconds=self.settings.stop_seconds)
        return self.settings.idle_seconds

    # the way back

    def _come_back(self) -> None:
        """The site has given this host up: end what has left it before anything else is done."""
        logger.warning("the site has given this host up; asking what has left it")
        self.queues.drop()
        self.queues.wait_until_idle()
        guests = sorted({*self.guests.present(), *self.hypervisor.power_states()})
        answer = self.client.post("return", {"guests": guests})
        for server_id in answer["left"]:
            logger.warning("server %s lies on another host by now; its guest ends here", server_id)
            self.worker.end(server_id)
            known = self.guests.find(server_id)
            if known is not None:
                self.guests.note(dataclasses.replace(known, gone=True))
        token = self.client.identity.token if self.client.identity else ""
        identity = Identity(token=token, epoch=int(answer["epoch"]))
        save_identity(self.folder, identity)
        self.client.identity = identity
        self.after = 0
        self.fenced.clear()
        self._report_all()


class Queues:
    """One order of each server at a time, in their order; several servers at once."""

    def __init__(self, at_once: int, do: Callable[[Order], None]) -> None:
        self.do = do
        self.pool = ThreadPoolExecutor(at_once, "order")
        self.changed = threading.Condition()
        self.closed = False
        self.waiting: dict[str, deque[tuple[str, Order]]] = {}
        """By server; the first of each queue is being carried out."""

    def put(self, server_id: str, order_id: str, order: Order) -> None:
        """An order that is there already is left out."""
        with self.changed:
            if self.closed:
                return
            queue = self.waiting.setdefault(server_id, deque())
            if any(known == order_id for known, _ in queue):
                return
            queue.append((order_id, order))
            if len(queue) == 1:
                self.pool.submit(self._work, server_id)

    def drop(self) -> None:
        """Forget all that has not begun."""
        with self.changed:
            for queue in self.waiting.values():
                while len(queue) > 1:
                    queue.pop()

    def wait_until_idle(self) -> None:
        with self.changed:
            self.changed.wait_for(lambda: not self.waiting)

    def finish(self) -> None:
        """End what has begun, and begin nothing more; the site gives the rest again."""
        with self.changed:
            self.closed = True
        self.drop()
        self.pool.shutdown(wait=True)

    def _work(self, server_id: str) -> None:
        with self.changed:
            _, order = self.waiting[server_id][0]
        try:
            self.do(order)
        except Exception:
            logger.exception("an order could not be carried out")
        with self.changed:
            queue = self.waiting[server_id]
            queue.popleft()
            if queue and not self.closed:
                self.pool.submit(self._work, server_id)
            else:
                del self.waiting[server_id]
            self.changed.notify_all()


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Raises ``OtherAgent``."""
    with (folder / "lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OtherAgent(f"Another agent works with {folder}.") from None
        yield

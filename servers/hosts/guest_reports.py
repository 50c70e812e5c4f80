"""What hosts tell of their guests, and what becomes of the servers: one that powered itself off is
``stopped`` from then on.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from servers.lifecycle.history import SUCCESS, begin_actions, finish_event_of_all
from servers.lifecycle.site_caller import act_as_site
from servers.lifecycle.transitions import IDLE, Transition, take_steps
from servers.models import HostAgent, HostOrder, Instance, PowerState, VmState

logger = logging.getLogger(__name__)

WENT_OFF = Transition(from_vm=frozenset([VmState.ACTIVE]), from_task=IDLE, to_vm=VmState.STOPPED)
EVENT = "compute_stop_instance"
MEANWHILE = ("console", "live_abort", "live_force")
"""Tasks of orders that agents do not count among those to a guest."""
OFF = (PowerState.SHUT_DOWN, PowerState.CRASHED)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A guest as its host sees it. ``seq`` is the last order that it was changed by."""

    server_id: str
    seq: int
    power_state: int


def note_guests(agent: HostAgent, guests: Sequence[Seen], *, all_of_them: bool) -> list[str]:
    """Take over what the host sees. What is older than an order that the host has is left out, and
    so are servers with which something goes on: its end tells more.

    Returns the ids of guests that no server of this host is behind; they are logged.
    """
    seen = {guest.server_id: guest for guest in guests}
    host = agent.service.host
    servers = Instance.objects.alive().filter(host=host)
    if not all_of_them:
        servers = servers.filter(uuid__in=seen)
    present = list(servers.only("pk", "uuid", "vm_state", "task_state", "power_state", "host"))
    unknown = sorted(seen.keys() - {str(server.uuid) for server in present})
    if unknown:
        logger.warning("host %s has guests without a server: %s", host, ", ".join(unknown))
    newest = _newest_orders(agent, seen)
    told = {
        server: guest.power_state
        for server in present
        if (guest := seen.get(str(server.uuid))) is not None
        and guest.seq >= newest.get(guest.server_id, 0)
    }
    _stop([server for server, power in told.items() if power in OFF and _runs(server)], told)
    _note_power(host, told)
    return unknown


def _runs(server: Instance) -> bool:
    return server.vm_state == VmState.ACTIVE and server.task_state is None


def _newest_orders(agent: HostAgent, servers: Collection[str]) -> Mapping[str, int]:
    """The newest that may have changed each: an order that failed has not, and what a console shows
    or becomes of a migration that goes on is no order to the guest.
    """
    counts = Q(done_at=None) | Q(answer__ok=True)
    orders = HostOrder.objects.filter(counts, agent=agent, server_id__in=servers)
    orders = orders.exclude(task__in=MEANWHILE)
    newest = orders.values("server_id").annotate(newest=Max("pk")).order_by()
    return dict(newest.values_list("server_id", "newest"))


def _stop(servers: Sequence[Instance], told: Mapping[Instance, int]) -> None:
    """They have powered themselves off, or crashed."""
    if not servers:
        return
    caller = act_as_site()
    for power in OFF:
        wanted = {server.pk: server for server in servers if told[server] == power}
        with transaction.atomic():
            stopped = take_steps(list(wanted), WENT_OFF, power_state=power)
            begin_actions([wanted[key] for key in stopped], "stop", EVENT, caller)
            finish_event_of_all(stopped, EVENT, result=SUCCESS)


def _note_power(host: str, told: Mapping[Instance, int]) -> None:
    """The power states of the others, those in which nothing goes on."""
    for power in set(told.values()):
        changed = [server.pk for server, now in told.items() if now == power != server.power_state]
        idle = Instance.objects.alive().filter(pk__in=changed, host=host, task_state=None)
        idle.exclude(power_state=power).update(power_state=power, updated_at=timezone.now())

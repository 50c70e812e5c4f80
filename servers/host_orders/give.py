"""Writes orders for hosts, and waits for what comes of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from compute_site.db.notices import notices, tell
from compute_site.secrets.sealing import seal
from servers.host_orders.parking import WaitingForHost
from servers.lifecycle.companions import current_job
from servers.models import HostAgent, HostOrder, InstanceAction

ORDERS = uuid.UUID("6f3d1a52-0b6e-4c0e-9d55-8f3f7a1c2e44")
"""The namespace of the ids of orders."""
LOOK_SECONDS = 1.0
"""How often an order is looked at that nobody tells of."""
DESTROY = "destroy"
CANCELLED, UNKNOWN = "cancelled", "unknown"


def news_of_agent(agent_id: int) -> str:
    """The key under which it is told that there is something new for an agent."""
    return f"agent {agent_id}"


def news_of_order(order_id: uuid.UUID) -> str:
    """The key under which it is told that an order has come to its end."""
    return f"order {order_id}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a host shall do; ``images`` are those that it may fetch for it."""

    node: str
    server_id: str
    task: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    images: Sequence[str] = ()
    more_seconds: int = 0
    """So much longer than others it may take."""
    at_most: int | None = None
    """Seconds that somebody waits for it who does not wait for long."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``result`` of what the host did; else the ``fault``, with a ``code`` for programs."""

    ok: bool
    result: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fault: str = ""
    code: str = ""


@transaction.atomic
def give_order(wanted: Wanted) -> HostOrder | None:
    """Write the order. A job that is done again finds the one that it gave before. ``None``: no
    agent works on that node.
    """
    agent = HostAgent.objects.filter(service__node__hypervisor_hostname=wanted.node).first()
    if agent is None:
        return None
    seconds: int = settings.OPTIONS.host_order_seconds + wanted.more_seconds
    if wanted.at_most is not None:
        seconds = min(seconds, wanted.at_most)
    order, made = HostOrder.objects.get_or_create(
        uuid=_id_of(wanted),
        defaults={
            "agent": agent,
            "server_id": wanted.server_id,
            "generation": _generation_of(wanted.server_id),
            "task": wanted.task,
            "sealed": seal(orjson.dumps(dict(wanted.arguments)).decode()),
            "images": list(wanted.images),
            "seconds": seconds,
            "not_after": timezone.now() + dt.timedelta(seconds=seconds),
            "job": current_job.get(),
        },
    )
    if made:
        tell(news_of_agent(agent.pk))
    return order


def find_given(wanted: Wanted) -> HostOrder | None:
    """The order that this job gave before."""
    if current_job.get() is None:
        return None
    return HostOrder.objects.filter(uuid=_id_of(wanted)).first()


def outcome_of(order: HostOrder) -> Outcome:
    """What came of the order. In a job, which runs again when that is known, nobody waits for it;
    a request waits.

    Raises:
        WaitingForHost: nobody knows yet.
    """
    if current_job.get() is None:
        return wait_for(order)
    outcome = _look(order)
    if outcome is None:
        raise WaitingForHost(order.uuid)
    return outcome


def wait_for(order: HostOrder) -> Outcome:
    """Wait until the host has answered, or until it is too late for that."""
    key = news_of_order(order.uuid)
    while True:
        seen = notices.seen(key)
        outcome = _look(order)
        if outcome is not None:
            return outcome
        left = (order.not_after - timezone.now()).total_seconds()
        notices.wait(key, seen, max(0.0, min(left, LOOK_SECONDS)))


def _look(order: HostOrder) -> Outcome | None:
    """What came of the order, if that is known. What nobody took in time is cancelled; of the rest
    nobody knows what came of it.
    """
    try:
        order.refresh_from_db(fields=["answer", "done_at", "taken_at", "not_after"])
        if order.done_at is None and order.not_after <= timezone.now():
            if order.taken_at is not None:
                fault = "it did not say in time what came of it"
                return Outcome(ok=False, code=UNKNOWN, fault=fault)
            _cancel(order)
            order.refresh_from_db(fields=["answer", "done_at", "taken_at"])
    except HostOrder.DoesNotExist:
        return Outcome(ok=False, code=CANCELLED, fault="it was removed from the cloud")
    return _outcome(order.answer or {}) if order.done_at is not None else None


def _cancel(order: HostOrder) -> None:
    """Take the order back, unless the host has taken it just now."""
    answer = {"ok": False, "code": CANCELLED, "fault": "it does not ask for what there is to do"}
    waiting = HostOrder.objects.filter(pk=order.pk, taken_at=None, done_at=None)
    waiting.update(done_at=timezone.now(), answer=answer, sealed="")


def _outcome(answer: Mapping[str, Any]) -> Outcome:
    return Outcome(
        ok=bool(answer.get("ok")),
        result=answer.get("result") or {},
        fault=str(answer.get("fault") or ""),
        code=str(answer.get("code") or ""),
    )


def _id_of(wanted: Wanted) -> uuid.UUID:
    job = current_job.get()
    if job is None:
        return uuid.uuid4()
    return uuid.uuid5(ORDERS, f"{job} {wanted.server_id} {wanted.node} {wanted.task}")


def _generation_of(server_id: str) -> int:
    actions = InstanceAction.objects.filter(instance__uuid=server_id)
    return actions.aggregate(newest=Max("pk"))["newest"] or 0

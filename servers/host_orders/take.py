"""What agents do with their orders: take them, tell of their progress, and answer them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.db.notices import tell
from compute_site.faults import Conflict, NotFound
from compute_site.secrets.sealing import unseal
from servers.host_orders.give import CANCELLED, news_of_order
from servers.host_orders.networks import NETWORK_CHANGED
from servers.host_orders.parking import wake
from servers.models import HostAgent, HostOrder

MOST_ORDERS = 50
"""Of one answer."""

TAKE = """
    WITH next AS MATERIALIZED (
        SELECT id FROM servers_hostorder
        WHERE agent_id = %(agent)s AND done_at IS NULL AND id > %(after)s
        ORDER BY id LIMIT %(most)s FOR UPDATE
    )
    UPDATE servers_hostorder AS given SET taken_at = COALESCE(taken_at, %(now)s)
    FROM next WHERE given.id = next.id
    RETURNING given.id, given.uuid, given.server_id, given.generation, given.task, given.sealed
"""


class NoSuchOrder(NotFound):
    """The host has no such order."""

    code = "no_such_order"


class AnsweredOtherwise(Conflict):
    """The order has another answer already."""

    code = "answered_otherwise"


def take_orders(agent: HostAgent, *, after: int) -> list[dict[str, Any]]:
    """The open orders of the agent behind that place of the sequence, the oldest first; from now on
    they count as taken.
    """
    waiting = HostOrder.objects.filter(agent=agent, done_at=None, pk__gt=after)
    if not waiting.exists():  # by far the most frequent case, which locks nothing
        return []
    values: dict[str, Any] = {
        "agent": agent.pk,
        "after": after,
        "most": MOST_ORDERS,
        "now": timezone.now(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        rows = sorted(cursor.fetchall())
    return [
        {
            "seq": seq,
            "id": str(order_id),
            "server_id": server_id,
            "generation": generation,
            "task": task,
            "arguments": orjson.loads(unseal(sealed) or "{}"),
        }
        for seq, order_id, server_id, generation, task, sealed in rows
    ]


@transaction.atomic
def answer_order(agent: HostAgent, order_id: uuid.UUID, answer: Mapping[str, Any]) -> None:
    """Note how the order ended, and let the job that waits for it go on. The same answer may come
    again.

    Raises:
        NoSuchOrder: the agent has none with this id.
        AnsweredOtherwise: there is another answer already, or the order was cancelled.
    """
    order = HostOrder.objects.select_for_update().filter(agent=agent, uuid=order_id).first()
    if order is None:
        raise NoSuchOrder(f"This host has no order {order_id}.")
    if order.done_at is not None:
        if order.answer != answer:
            raise AnsweredOtherwise(f"The order {order_id} has another answer already.")
        return
    order.answer, order.done_at, order.sealed = dict(answer), timezone.now(), ""
    order.save(update_fields=["answer", "done_at", "sealed"])
    tell(news_of_order(order.uuid))
    if order.job is not None:
        wake([order.job])


def note_progress(agent: HostAgent, order_id: uuid.UUID, progress: Mapping[str, Any]) -> None:
    """The host is still at it: the site waits anew.

    Raises:
        NoSuchOrder: the agent has none with this id that is open.
    """
    order = HostOrder.objects.filter(agent=agent, uuid=order_id, done_at=None).first()
    if order is None:
        raise NoSuchOrder(f"This host has no open order {order_id}.")
    order.progress = dict(progress)
    order.not_after = timezone.now() + dt.timedelta(seconds=order.seconds)
    order.save(update_fields=["progress", "not_after"])


def note_queued(agent: HostAgent, *, but: Collection[uuid.UUID]) -> None:
    """The host has orders that it has not begun, all ``but`` these: their time begins anew."""
    taken = HostOrder.objects.filter(agent=agent, done_at=None, taken_at__isnull=False)
    queued = taken.exclude(uuid__in=but).exclude(task=NETWORK_CHANGED)
    seconds = ExpressionWrapper(F("seconds") * dt.timedelta(seconds=1), DurationField())
    queued.update(not_after=timezone.now() + seconds)


@transaction.atomic
def cancel_orders(agent: HostAgent, servers: Collection[str], *, but: str) -> None:
    """Take back the open orders about these servers, but for those of the task ``but``."""
    still = HostOrder.objects.filter(agent=agent, server_id__in=servers, done_at=None)
    locked = still.exclude(task=but).select_for_update().order_by("pk")
    jobs = dict(locked.values_list("pk", "job"))
    answer = {"ok": False, "code": CANCELLED, "fault": "the server lies on another host by now"}
    ended = HostOrder.objects.filter(pk__in=jobs)
    ended.update(done_at=timezone.now(), answer=answer, sealed="")
    wake([job for job in jobs.values() if job is not None])


def may_fetch(agent: HostAgent, image_id: str) -> bool:
    """Does an open order of the agent need the image?"""
    return HostOrder.objects.filter(agent=agent, done_at=None, images__contains=[image_id]).exists()


def find_open(agent: HostAgent, order_id: uuid.UUID, *tasks: str) -> HostOrder:
    """The agent's open order with this id, if it is one of these tasks.

    Raises:
        NoSuchOrder: it has none.
    """
    still = HostOrder.objects.filter(agent=agent, uuid=order_id, done_at=None, task__in=tasks)
    order = still.first()
    if order is None:
        raise NoSuchOrder(f"This host has no open order {order_id} of this kind.")
    return order


def purge_orders() -> int:
    """Forget those that ended long ago, and hints that nobody took in time; their number."""
    hours: int = settings.OPTIONS.host_orders_hours
    limit = timezone.now() - dt.timedelta(hours=hours)
    late = Q(task=NETWORK_CHANGED, done_at=None, not_after__lt=timezone.now())
    # a job that has not seen the answer yet would give its order once more
    jobs = ProcrastinateJob.objects.filter(pk=OuterRef("job"))
    old = Q(done_at__lt=limit) & ~Exists(jobs)
    return HostOrder.objects.filter(old | late).delete()[0]

"""What agents do with their orders: take them, tell of their progress, and answer them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from compute_site.db.notices import tell
from compute_site.faults import Conflict, NotFound
from compute_site.secrets.sealing import unseal
from servers.host_orders.give import CANCELLED, news_of_order
from servers.host_orders.networks import NETWORK_CHANGED
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
    """Note how the order ended. The same answer may come again.

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


def cancel_orders(agent: HostAgent, servers: Collection[str], *, but: str) -> None:
    """Take back the open orders about these servers, but for those of the task ``but``."""
    still = HostOrder.objects.filter(agent=agent, server_id__in=servers, done_at=None)
    answer = {"ok": False, "code": CANCELLED, "fault": "the server lies on another host by now"}
    still.exclude(task=but).update(done_at=timezone.now(), answer=answer, sealed="")


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
    return HostOrder.objects.filter(Q(done_at__lt=limit) | late).delete()[0]

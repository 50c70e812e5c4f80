"""Tells hosts that something about their networks has changed.

An order is a hint: the host asks about the network then, and finds all that is new. Nobody waits
for its end, and a host that does not hear of it asks by itself after a while.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compute_site.db.notices import tell
from compute_site.neighbours import network_service
from servers.host_orders.give import news_of_agent
from servers.models import HostAgent, HostOrder

NETWORK_CHANGED = "network_changed"


def hint_of_server(server_id: str, node: str, networks: Collection[str]) -> None:
    """The server has come to that node with NICs on these networks. Its host asks about them by
    itself when it plugs the NICs.
    """

    def find_carriers() -> dict[str, set[str]]:
        found = network_service().find_carriers(server_id)
        own = {node: set(networks)}
        return {host: set(asked) - own.get(host, set()) for host, asked in found.items()}

    with transaction.atomic():
        hint_hosts(find_carriers)


def hint_of_networks(networks: Collection[str]) -> None:
    """A server has left these networks."""
    if networks:
        with transaction.atomic():
            hint_hosts(lambda: network_service().find_carriers_of(networks))


def hint_hosts(find_carriers: Callable[[], Mapping[str, Iterable[str]]], **_: Any) -> None:
    """Within the transaction of the change. ``find_carriers`` tells the hosts and the networks that
    each has to ask about; it is called where agents work at all.
    """
    seconds: int = settings.OPTIONS.service_down_seconds
    since = timezone.now() - dt.timedelta(seconds=seconds)
    # a host that is down asks about all when it comes back
    up = HostAgent.objects.filter(service__last_seen_up__gt=since).exclude(token_digest="")
    agents = dict(up.values_list("service__host", "pk"))
    if not agents:
        return
    now, limit = timezone.now(), settings.OPTIONS.host_order_seconds
    orders = [
        HostOrder(
            agent_id=agents[host],
            server_id=network_id,
            task=NETWORK_CHANGED,
            seconds=limit,
            not_after=now + dt.timedelta(seconds=limit),
        )
        for host, networks in find_carriers().items()
        if host in agents
        for network_id in sorted(networks)
    ]
    if orders:
        HostOrder.objects.bulk_create(orders)
        tell(*{news_of_agent(order.agent_id) for order in orders})

"""Hosts that wait for orders at the web server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from compute_site.db.notices import notices
from compute_site.waiting.held import Held
from servers.host_orders.give import news_of_agent
from servers.models import HostAgent


class NewOrders(Held):
    """Orders for the agent that are given from now on: it is made before the rows are read. To look
    for them asks nobody, since notices come by themselves.
    """

    pause: ClassVar[float] = 0.05

    def __init__(self, agent: HostAgent, seconds: float) -> None:
        super().__init__(seconds)
        self.news = news_of_agent(agent.pk)
        self.seen = notices.seen(self.news)

    @classmethod
    def look(cls, held: Sequence[Self]) -> Mapping[Self, bytes]:
        return {one: b"" for one in held if notices.seen(one.news) != one.seen}

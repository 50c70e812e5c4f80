"""Services: what runs on hosts, and whether it is up."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from servers.models.cell import CELL0, Cell

COMPUTE_BINARY = "nova-compute"
CONTROL_BINARIES = {"nova-conductor": "conductor", "nova-scheduler": "scheduler"}
"""Services that exist always, with their topics: whichever workers run do their work, so that there
is one of each, on a host of that name.
"""
SIMULATED_DRIVERS = frozenset(["fake"])
"""Hosts of these drivers have no process of their own that could be lost."""


def seen_since() -> dt.datetime:
    """The time since which a service must have been seen to count as up."""
    seconds: int = settings.OPTIONS.service_down_seconds
    return timezone.now() - dt.timedelta(seconds=seconds)


class ServiceQuerySet(models.QuerySet["Service"]):
    def computes(self) -> Self:
        """The services that run servers (``nova-compute``)."""
        return self.filter(binary=COMPUTE_BINARY)

    def control(self) -> Self:
        """The conductor and scheduler."""
        return self.filter(binary__in=CONTROL_BINARIES)

    def up(self) -> Self:
        """The services that are up; ``Service.is_up`` is the same for one."""
        return self.filter(
            Q(node__driver__in=SIMULATED_DRIVERS) | Q(last_seen_up__gte=seen_since()),
            forced_down=False,
        )

    def is_up(self, host: str | None) -> bool:
        """Is the compute service of this host up? ``False`` for ``None``."""
        return host is not None and self.computes().up().filter(host=host).exists()

    def can_take_servers(self, host: str) -> bool:
        """Is there a compute host of this name, up or not?"""
        return self.computes().filter(host=host, node__isnull=False).exists()


class Service(models.Model):
    """A service on a host; ``nova-compute`` is the kind that runs servers. It is up if it was seen
    lately and is not forced down.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    host = models.CharField(max_length=255, db_collation="C")
    binary = models.CharField(max_length=255, default="nova-compute")
    topic = models.CharField(max_length=255, default="compute")
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT, related_name="services")
    disabled = models.BooleanField(default=False)
    disabled_reason = models.CharField(max_length=255, null=True, blank=True)
    forced_down = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=70)
    last_seen_up = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "binary"], name="servers_service_once_a_host"),
        ]

    def __str__(self) -> str:
        return f"{self.binary}@{self.host}"

    @property
    def is_up(self) -> bool:
        """Is the service up? Load it with its ``node``, which decides for simulated hosts."""
        if self.forced_down:
            return False
        node = getattr(self, "node", None)  # a service that runs no servers has none
        if node is not None and node.driver in SIMULATED_DRIVERS:
            return True
        return self.last_seen_up is not None and self.last_seen_up >= seen_since()


def make_control_services(using: str = "default", **_: Any) -> None:
    """Make the conductor and scheduler if they are missing; runs after each ``migrate``."""
    cell = Cell.objects.using(using).get(name=CELL0)
    Service.objects.using(using).bulk_create(
        [
            Service(host=topic, binary=binary, topic=topic, cell=cell)
            for binary, topic in CONTROL_BINARIES.items()
        ],
        ignore_conflicts=True,
    )

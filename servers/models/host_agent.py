"""The agents that run guests on hosts, and the orders that they get."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from servers.models.service import Service


class HostAgent(models.Model):
    """The agent of a host. It proves who it is by a token, of which only the SHA-256 is kept.

    ::

        added (join token) ──> joined (token) ──> rotated (join token) ──> joined …

    ``epoch`` grows whenever what the host was told before must not count any more: when it joins,
    and when its servers may be built elsewhere. An agent of an older epoch is refused.
    """

    service = models.OneToOneField(Service, on_delete=models.CASCADE, related_name="agent")
    join_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    """Of the token with which the host may join once."""
    join_until = models.DateTimeField(null=True, blank=True)
    token_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    epoch = models.PositiveIntegerField(default=0)
    boot_id = models.CharField(max_length=64, blank=True, default="")
    """Another one after each start of the host."""
    version = models.CharField(max_length=64, blank=True, default="")
    protocol = models.PositiveSmallIntegerField(default=0)
    hypervisor = models.CharField(max_length=32, blank=True, default="")
    load = models.JSONField(default=dict, blank=True)
    """What the last heartbeat told: guests, load, free room."""
    wires = models.JSONField(
        default=dict, blank=True, db_default=Value({}, output_field=models.JSONField())
    )
    """And of what carries packets of its guests: ``tunnel_address`` for other hosts, and whether it
    has an ``uplink``; ``physical_networks`` are the names of those that it is on.
    """
    created_at = models.DateTimeField(default=timezone.now)
    joined_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["join_digest"],
                condition=~Q(join_digest=""),
                name="servers_agent_join_digest",
            ),
            models.UniqueConstraint(
                fields=["token_digest"],
                condition=~Q(token_digest=""),
                name="servers_agent_token_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"agent of {self.service_id}"


class HostOrder(models.Model):
    """An order to an agent; the key is its place in the sequence. The row is the truth, and the
    first answer counts.

    ::

        waiting ──> taken (the host has it) ──> done (ok, or a fault)
           └──────> done (cancelled: nobody took it in time)

    ``sealed`` is what the host needs to know, secrets included, until it is done.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(HostAgent, on_delete=models.CASCADE, related_name="orders")
    server_id = models.CharField(max_length=36)
    generation = models.BigIntegerField(default=0)
    """The key of the newest action in the server's history: what is built for an older one is not
    what is wanted.
    """
    task = models.CharField(max_length=32)
    sealed = models.TextField(blank=True, default="", editable=False)
    images = models.JSONField(default=list, blank=True)
    """The ids of the images that the host may fetch for it."""
    seconds = models.PositiveIntegerField(default=0)
    """So long after the order, or the last that was heard of it, the site waits no more."""
    not_after = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    taken_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True)
    job = models.BigIntegerField(null=True, blank=True, editable=False)
    """The key of the job that gave it, which the answer lets go on."""

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["agent", "id"],
                condition=Q(done_at__isnull=True),
                name="servers_order_open",
            ),
            models.Index(fields=["server_id", "id"], name="servers_order_server"),
            models.Index(fields=["done_at"], name="servers_order_done"),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.server_id}"

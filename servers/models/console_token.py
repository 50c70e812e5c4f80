"""Tokens that give access to the console of a server."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F
from django.utils import timezone

from servers.models.instance import Instance


class ConsoleTokenQuerySet(models.QuerySet["ConsoleToken"]):
    def valid(self) -> Self:
        """The tokens that have not expired and whose server is still on the same host."""
        return self.filter(
            expires_at__gt=timezone.now(),
            instance__deleted_at__isnull=True,
            instance__node=F("node"),
        )


class ConsoleToken(models.Model):
    """Access to a console; a proxy looks up the console's address by the token of its client. Only
    the SHA-256 of the token is stored.
    """

    digest = models.CharField(max_length=64, unique=True)
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="console_tokens")
    console_type = models.CharField(max_length=32)
    node = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    tls_port = models.PositiveIntegerField(null=True, blank=True)
    internal_access_path = models.CharField(max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = ConsoleTokenQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.console_type} of {self.instance_id}"

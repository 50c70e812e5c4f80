"""Figures of the past, added up in small rows."""

from __future__ import annotations

from django.db import models


class RollupKind(models.TextChoices):
    """What is told of, and by what it is told apart (``Rollup.subject``)."""

    ZONE = "zone", "room of a zone, each hour"
    HOST = "host", "room of a host, each hour"
    STATE = "state", "servers in a state, each hour"
    BUILD = "build", "builds by their result, each hour"
    USAGE = "usage", "what a project used, each day"


class Rollup(models.Model):
    """The figures of one subject in one hour or day, which begins ``at``."""

    kind = models.CharField(max_length=8, choices=RollupKind.choices, db_collation="C")
    at = models.DateTimeField()
    subject = models.CharField(max_length=255, db_collation="C")
    numbers = models.JSONField()
    """By name; of zones and hosts vCPUs, and memory and disk in GiB, of projects hours of them."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "at", "subject"], name="servers_rollup_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} at {self.at:%Y-%m-%d %H:%M}"

"""Tags of servers."""

from __future__ import annotations

from django.db import models

from servers.models.instance import Instance

MOST_TAGS = 50
"""On one server."""


class Tag(models.Model):
    """A tag of a server: at most 60 characters, unique within the server."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="tags", db_index=False
    )
    tag = models.CharField(max_length=60, db_collation="C")

    class Meta:
        ordering = ["tag"]
        constraints = [
            models.UniqueConstraint(fields=["instance", "tag"], name="servers_tag_once"),
        ]
        indexes = [models.Index(fields=["tag"], name="servers_tag_tag")]

    def __str__(self) -> str:
        return self.tag

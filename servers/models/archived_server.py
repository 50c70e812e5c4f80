"""Archived servers: deleted ones that were moved out of the tables that requests read."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from compute_site.identity.ids import LONGEST_USER_ID


class ArchivedServer(models.Model):
    """All data of a deleted server in one row without foreign keys, because its project, user and
    flavor may be deleted.
    """

    uuid = models.UUIDField(primary_key=True)
    project_id = models.CharField(max_length=36, db_collation="C")
    user_id = models.CharField(max_length=LONGEST_USER_ID, db_collation="C")
    display_name = models.CharField(max_length=261, db_collation="C")
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(db_index=True)
    archived_at = models.DateTimeField(default=timezone.now)
    record = models.JSONField()
    """The columns of the server, and below ``parts`` the rows of other tables that belonged to it,
    by the names of the relations.
    """

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "deleted_at"], name="servers_archived_project"),
        ]

    def __str__(self) -> str:
        return self.display_name

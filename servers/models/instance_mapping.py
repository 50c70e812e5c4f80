"""The cells of servers."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from compute_site.identity.models import Project
from servers.models.cell import Cell
from servers.models.instance import Instance


class InstanceMapping(models.Model):
    """The cell of a server; null: not scheduled yet; ``cell0``: it could not be placed."""

    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, related_name="mapping")
    # Mappings are found only by server; further indexes would slow down requests.
    cell = models.ForeignKey(
        Cell,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="mappings",
        db_index=False,
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    queued_for_delete = models.BooleanField(default=False)

    class Meta:
        verbose_name = "server mapping"

    def __str__(self) -> str:
        return f"mapping of {self.instance_id}"

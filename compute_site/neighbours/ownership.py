"""Whose things a caller sees in the services."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from compute_site.caller import Caller

Thing = TypeVar("Thing", bound=models.Model)


class OwnedQuerySet(models.QuerySet[Thing]):
    """Rows with a ``project``."""

    def visible_to(self, caller: Caller) -> Self:
        """What belongs to the caller's project; an admin sees all."""
        return self if caller.is_admin else self.filter(project=caller.project_id)

"""The counters of all processes."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """What was counted under one name with one set of labels, by whatever process."""

    name = models.CharField(max_length=64, db_collation="C")
    labels = models.CharField(max_length=512, db_collation="C")
    """The values of the labels, in their order, as a JSON list."""
    value = models.FloatField(default=0.0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["name", "labels"], name="metrics_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.labels}: {self.value:g}"

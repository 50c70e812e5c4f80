"""How much a project may have in a service: kinds of things, what counts as one, the limit of each.

A project without a limit of its own has that of the option. −1 is no limit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Count, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from compute_site.faults import Fault
from compute_site.identity.models import Project

UNLIMITED = -1


class ProjectQuota(models.Model):
    """The limit that a project has of its own; each service has a table."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    resource = models.CharField(max_length=32)
    limit = models.IntegerField(default=UNLIMITED, validators=[MinValueValidator(UNLIMITED)])
    """−1: none."""

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["project", "resource"], name="%(app_label)s_one_quota_of_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id}: {self.resource} {self.limit}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that count. ``owner`` leads to their project; ``measure`` is their number,
    unless it is a sum of a column.
    """

    rows: models.QuerySet[Any]
    owner: str = "project"
    measure: models.Aggregate = dataclasses.field(default_factory=lambda: Count("pk"))

    def used_by(self, project_id: str) -> int:
        rows = self.rows.filter(**{self.owner: project_id})
        return int(rows.aggregate(used=self.measure)["used"] or 0)

    def expression(self) -> Coalesce:
        """The same for the project of each row of a table of quotas."""
        rows = self.rows.filter(**{self.owner: OuterRef("project")}).order_by()
        used = rows.values(self.owner).annotate(used=self.measure).values("used")
        return Coalesce(Subquery(used, output_field=IntegerField()), Value(0))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is limited. ``name`` is that of the API of the service, ``plural`` that of the option
    and of cloud files. ``error`` tells that the limit is reached.
    """

    name: str
    plural: str
    error: type[Fault]
    parts: tuple[Part, ...] = ()

    @property
    def default(self) -> int:
        return int(getattr(settings.OPTIONS, f"quota_{self.plural}"))

    def used_by(self, project_id: str) -> int:
        return sum(part.used_by(project_id) for part in self.parts)


class Quotas:
    """The quotas of one service; ``own`` are the limits that projects have of their own."""

    def __init__(self, own: models.Manager[Any], kinds: Sequence[Kind]) -> None:
        self.own = own
        self.kinds = {kind.name: kind for kind in kinds}

    @property
    def defaults(self) -> dict[str, int]:
        return {name: kind.default for name, kind in self.kinds.items()}

    def limits_of(self, project_id: str) -> dict[str, int]:
        """The limits that apply (one statement)."""
        own = self.own.filter(project=project_id)
        return self.defaults | dict(own.values_list("resource", "limit"))

    def used_by(self, project_id: str) -> dict[str, int]:
        return {name: kind.used_by(project_id) for name, kind in self.kinds.items()}

    def set_limits(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Give the project these limits of its own."""
        self.own.bulk_create(
            (
                self.own.model(project_id=project_id, resource=name, limit=limit)
                for name, limit in limits.items()
            ),
            update_conflicts=True,
            unique_fields=["project", "resource"],
            update_fields=["limit"],
        )

    def forget_limits(self, project_id: str) -> None:
        """From now on the project has the limits of the options."""
        self.own.filter(project=project_id).delete()

    def check(self, project_id: str, **more: int) -> None:
        """Go on only if the project may have so many more of each; where there is a limit, others
        who want more for the project wait until this transaction ends. It is the last lock that a
        transaction takes, or all others of it are on rows of the project's own.

        Raises:
            Fault: one would be too many; which class, the kind says.
        """
        limits = self.limits_of(project_id)
        limited = [name for name in more if limits[name] > UNLIMITED]
        if not limited:
            return
        lock_project(project_id)
        for name in limited:
            kind, limit = self.kinds[name], limits[name]
            used = kind.used_by(project_id)
            if used + more[name] > limit:
                raise kind.error(
                    f"The project has {used} of at most {limit} {kind.plural.replace('_', ' ')}; "
                    f"{more[name]} more are too many."
                )

    def projects_with_limits(self) -> Collection[str]:
        """Those that have limits of their own."""
        rows = self.own.order_by("project__name").distinct()
        return list(dict.fromkeys(rows.values_list("project", flat=True)))


def lock_project(project_id: str) -> None:
    """Hold the project, which may be used meanwhile, but not changed."""
    rows = Project.objects.select_for_update(no_key=True).filter(pk=project_id)
    rows.values_list("pk").first()

"""The quotas of projects in a service: which rows count for which limit.

A project without a limit of its own has that of the option. −1 means no limit.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Count

from compute_site.db.prepared import array, prepared_cursor
from compute_site.faults import Fault
from compute_site.identity.models import Project

UNLIMITED = -1
LOCK_LIMITED = """
    SELECT project.id, COALESCE(own."limit", %(default)s)
    FROM identity_project AS project
    LEFT JOIN {table} AS own ON own.project_id = project.id AND own.resource = %(resource)s
    WHERE project.id = ANY(%(projects)s::text[]) AND COALESCE(own."limit", %(default)s) >= 0
    ORDER BY project.id FOR NO KEY UPDATE OF project
"""


class ProjectQuota(models.Model):
    """A limit that is set for one project; each service has its own table."""

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
        return f"{self.project}: {self.resource} {self.limit}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that count towards a limit. ``owner`` is the path to their project; ``measure`` is their
    number, or the sum of a column.
    """

    rows: models.QuerySet[Any]
    owner: str = "project"
    measure: models.Aggregate = dataclasses.field(default_factory=lambda: Count("pk"))

    def used_by(self, project_id: str) -> int:
        rows = self.rows.filter(**{self.owner: project_id})
        return int(rows.aggregate(used=self.measure)["used"] or 0)

    def used_by_each(self, project_ids: Collection[str]) -> dict[str, int]:
        rows = self.rows.filter(**{f"{self.owner}__in": project_ids}).order_by()
        return dict(rows.values_list(self.owner).annotate(used=self.measure))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One limited resource. ``name`` is its name in the service's API, ``plural`` that in options
    and cloud files. ``error`` is raised when the limit is reached.
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

    def used_by_each(self, project_ids: Collection[str]) -> Mapping[str, int]:
        """The same for several projects; those that use nothing are left out."""
        used: Counter[str] = Counter()
        for part in self.parts:
            used.update(part.used_by_each(project_ids))
        return used


class Quotas:
    """The quotas of one service; ``own`` is the table of the limits that are set for projects."""

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

    def kind_of(self, name: str) -> Kind:
        """What a limit of this name limits."""
        return self.kinds[name]

    def used_by(self, project_id: str) -> dict[str, int]:
        return {name: kind.used_by(project_id) for name, kind in self.kinds.items()}

    def set_limits(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Set these limits for the project."""
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
        """Delete the project's own limits, so that those of the options apply."""
        self.own.filter(project=project_id).delete()

    def check(self, project_id: str, **more: int) -> None:
        """Check that the project may have so many more of each kind. Where there is a limit, this
        locks the project: concurrent checks wait until this transaction ends. To avoid deadlocks,
        take no further lock afterwards, except on the project's own rows.

        Raises:
            Fault: a limit would be exceeded; the class is ``Kind.error``.
        """
        for kind, limit in self._limited(project_id, more):
            _compare(kind, limit, used=kind.used_by(project_id), more=more[kind.name])

    def check_written(self, project_id: str, **written: int) -> None:
        """As ``check``, after so many of each kind were written in this transaction: what takes
        long is done before the project is locked.
        """
        for kind, limit in self._limited(project_id, written):
            new = written[kind.name]
            _compare(kind, limit, used=kind.used_by(project_id) - new, more=new)

    def check_written_by_all(self, name: str, written: Mapping[str, int]) -> None:
        """As ``check_written``, for one kind and so many things of each project; two statements."""
        kind = self.kinds[name]
        limits = self._lock_limited(kind, written)
        used = kind.used_by_each(limits) if limits else {}
        for project_id, limit in limits.items():
            new = written[project_id]
            _compare(kind, limit, used=used.get(project_id, 0) - new, more=new)

    def _lock_limited(self, kind: Kind, projects: Iterable[str]) -> dict[str, int]:
        """The limits of those of the projects that have one, which are locked."""
        values = {"projects": array(projects), "resource": kind.name, "default": kind.default}
        table = self.own.model._meta.db_table  # noqa: SLF001 - Django's public model API
        with prepared_cursor() as cursor:
            cursor.execute(LOCK_LIMITED.format(table=table), values)
            return dict(cursor.fetchall())

    def _limited(self, project_id: str, kinds: Mapping[str, int]) -> list[tuple[Kind, int]]:
        """Those of the kinds that have a limit; locks the project if there are any."""
        limits = self.limits_of(project_id)
        limited = [name for name in kinds if limits.get(name, UNLIMITED) > UNLIMITED]
        if limited:
            lock_project(project_id)
        return [(self.kind_of(name), limits[name]) for name in limited]

    def projects_with_limits(self) -> Collection[str]:
        """The projects for which limits are set."""
        rows = self.own.order_by("project__name").distinct()
        return list(dict.fromkeys(rows.values_list("project", flat=True)))


def _compare(kind: Kind, limit: int, *, used: int, more: int) -> None:
    if used + more > limit:
        raise kind.error(
            f"The project has {used} of at most {limit} {kind.plural.replace('_', ' ')}; "
            f"{more} more are too many."
        )


def lock_project(project_id: str) -> None:
    """Lock the project's row against changes; other rows may still refer to it meanwhile."""
    rows = Project.objects.select_for_update(no_key=True).filter(pk=project_id)
    rows.values_list("pk").first()

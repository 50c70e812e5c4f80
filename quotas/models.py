"""Limits by class, project and user, and the usage that is counted against them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from compute_site.identity.models import Project


class Limit(models.Model):
    """A limit of a resource; −1 means no limit.

    It has exactly one scope: a class (only ``default`` has an effect), a project, or a user within
    a project (``user_id`` set).
    """

    quota_class = models.CharField(max_length=255, blank=True, default="")
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="limits"
    )
    user_id = models.CharField("user", max_length=255, blank=True, default="")
    resource = models.CharField(max_length=64)
    limit = models.IntegerField(help_text="−1: no limit")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="quotas_limit_has_one_scope",
                condition=(
                    (Q(project__isnull=True) & ~Q(quota_class="") & Q(user_id=""))
                    | (Q(project__isnull=False) & Q(quota_class=""))
                ),
            ),
            models.CheckConstraint(name="quotas_limit_from_minus_one", condition=Q(limit__gte=-1)),
            models.UniqueConstraint(
                fields=["project", "quota_class", "user_id", "resource"],
                name="quotas_one_limit_a_scope",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quota_class or self.project_id} {self.user_id} {self.resource}: {self.limit}"


class Usage(models.Model):
    """A project's usage of a counted resource; locked and changed with the counted rows."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="usage")
    resource = models.CharField(max_length=64)
    in_use = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "usage"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "resource"], name="quotas_usage_once_a_project"
            ),
            models.CheckConstraint(name="quotas_usage_not_negative", condition=Q(in_use__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.resource}: {self.in_use}"


class LimitChange(models.Model):
    """A change of a limit; the scope is that of ``Limit``.

    A null number means that no limit was set in this scope, so that the next wider one applied.
    """

    quota_class = models.CharField(max_length=255, blank=True, default="")
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    user_id = models.CharField("user", max_length=255, blank=True, default="")
    resource = models.CharField(max_length=64)
    before = models.IntegerField(null=True, blank=True)
    after = models.IntegerField(null=True, blank=True)
    changed_by = models.CharField(max_length=255, blank=True, default="")
    """Id of the user who did it."""
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project", "-id"], name="quotas_change_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.resource}: {self.before} → {self.after}"


class ProjectQuota(Project):
    """A project with its limits and usage, for the admin."""

    class Meta:
        proxy = True
        default_permissions = ("view", "change")
        ordering = ["name"]
        verbose_name = "project's quota"
        verbose_name_plural = "quotas of projects"

"""The site's own default role of each policy rule."""

from __future__ import annotations

from django.db import models

from compute_site.identity.models import Role


class RuleDefault(models.Model):
    """The smallest role that holds a rule in projects made from now on. There is one row for each
    rule; an empty role means the role that the rule declares.
    """

    rule = models.CharField(primary_key=True, max_length=100)
    role = models.CharField(max_length=16, choices=Role.choices, blank=True, default="")

    class Meta:
        ordering = ["rule"]
        verbose_name = "default of a policy rule"
        verbose_name_plural = "defaults of policy rules"

    def __str__(self) -> str:
        return self.rule

"""Trusts: a user lets another one act with some of the own roles in a project."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from compute_site.identity.ids import new_id


class Trust(models.Model):
    """The trustee gets tokens with these roles of the trustor in the project.

    A trust that was made with a token of another one goes back to it; the roles are always those of
    ``holder``, who made the first of them.
    """

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    trustor = models.ForeignKey("identity.User", on_delete=models.CASCADE, related_name="trusts")
    trustee = models.ForeignKey("identity.User", on_delete=models.CASCADE, related_name="trusted")
    holder = models.ForeignKey("identity.User", on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey("identity.Project", on_delete=models.CASCADE, related_name="trusts")
    impersonation = models.BooleanField(default=False)
    """Are its tokens those of the trustor? Otherwise they are the trustee's."""
    roles = ArrayField(models.CharField(max_length=36))
    """The ids of the roles, as they were asked for."""
    role = models.CharField(max_length=16, blank=True, default="")
    """The largest role of ``Role`` among them and among what they imply."""
    others = ArrayField(models.CharField(max_length=36), default=list, blank=True)
    """The keys of the others."""
    expires_at = models.DateTimeField(null=True, blank=True)
    remaining_uses = models.PositiveIntegerField(null=True, blank=True)
    """How many tokens can still be got; none said: any number."""
    redelegation_count = models.PositiveIntegerField(default=0)
    """How long a chain of trusts the trustee can still make."""
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.id


class AccessRule(models.Model):
    """A kind of requests that application credentials of the user may be limited to."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, db_collation="C")
    user = models.ForeignKey("identity.User", on_delete=models.CASCADE, related_name="access_rules")
    service = models.CharField(max_length=64)
    """A type of the catalogue."""
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=225)

    class Meta:
        ordering = ["service", "path", "method"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "service", "method", "path"], name="identity_access_rule_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} of {self.service}"

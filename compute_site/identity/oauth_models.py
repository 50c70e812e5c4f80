"""OAuth 1.0a: programs (consumers) that users let act for them in a project."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from compute_site.identity.ids import new_id


class Consumer(models.Model):
    """A program that may ask users to let it act for them."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, db_collation="C")
    description = models.CharField(max_length=255, null=True, blank=True)
    sealed_secret = models.TextField(editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name = "OAuth consumer"

    def __str__(self) -> str:
        return self.id


class RequestToken(models.Model):
    """A consumer asks for access to a project, until a user has said yes and it has come back for
    its access token.
    """

    id = models.CharField(primary_key=True, max_length=64, default=new_id, db_collation="C")
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="requests")
    project = models.ForeignKey(
        "identity.Project", on_delete=models.CASCADE, related_name="oauth_requests"
    )
    sealed_secret = models.TextField(editable=False)
    user = models.ForeignKey(
        "identity.User",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="oauth_requests",
    )
    """Who said yes."""
    roles = ArrayField(models.CharField(max_length=36), default=list, blank=True)
    verifier = models.CharField(max_length=16, blank=True, default="", editable=False)
    """What the consumer must show; the user has it."""
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name = "OAuth request token"
        indexes = [models.Index(fields=["expires_at"], name="identity_request_expiry")]

    def __str__(self) -> str:
        return self.id


class AccessToken(models.Model):
    """A consumer gets tokens with these roles of the user in the project."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, db_collation="C")
    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="accesses")
    user = models.ForeignKey("identity.User", on_delete=models.CASCADE, related_name="accesses")
    project = models.ForeignKey(
        "identity.Project", on_delete=models.CASCADE, related_name="accesses"
    )
    sealed_secret = models.TextField(editable=False)
    roles = ArrayField(models.CharField(max_length=36))
    """The ids of the roles, as the user named them."""
    role = models.CharField(max_length=16, blank=True, default="")
    """The largest role of ``Role`` among them and among what they imply."""
    others = ArrayField(models.CharField(max_length=36), default=list, blank=True)
    """The keys of the others."""
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name = "OAuth access token"
        indexes = [models.Index(fields=["expires_at"], name="identity_access_expiry")]

    def __str__(self) -> str:
        return self.id

"""Key pairs: the public halves of users' keys."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class KeyPair(models.Model):
    """A key pair; it belongs to a user, not to a project."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="keypairs"
    )
    name = models.CharField(max_length=255, db_collation="C")
    type = models.CharField(max_length=8, choices=[("ssh", "ssh"), ("x509", "x509")], default="ssh")
    public_key = models.TextField()
    fingerprint = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="servers_keypair_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

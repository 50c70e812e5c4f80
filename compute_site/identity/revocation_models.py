"""Which tokens were ended before their time."""

from __future__ import annotations

from django.db import models


class Revocation(models.Model):
    """The end of a token before its time, kept as long as the token would have lasted. A trigger of
    the database writes it when the token goes, whatever it goes with.
    """

    audit_id = models.CharField(max_length=22)
    revoked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """When the token would have ended."""

    class Meta:
        ordering = ["revoked_at", "id"]
        verbose_name = "revoked token"
        indexes = [
            models.Index(fields=["revoked_at"], name="identity_revocation_time"),
            models.Index(fields=["expires_at"], name="identity_revocation_expiry"),
        ]

    def __str__(self) -> str:
        return self.audit_id

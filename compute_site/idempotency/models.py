"""Answers that are kept for clients that repeat a request."""

from __future__ import annotations

from django.db import models


class KeptAnswer(models.Model):
    """The answer to a request with an idempotency key. It is written in the transaction of the
    request's effect: there is one exactly if the effect is there.
    """

    digest = models.CharField(primary_key=True, max_length=64, db_collation="C")
    """SHA-256 of project, user, method, path and key: what makes two requests the same one."""
    request_digest = models.CharField(max_length=64, db_collation="C")
    """SHA-256 of what the request asks: microversion, query and body."""
    project_id = models.CharField(max_length=64, db_collation="C")
    user_id = models.CharField(max_length=64, db_collation="C")
    method = models.CharField(max_length=8)
    path = models.TextField()
    key = models.CharField(max_length=255)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    """The headers that the view itself gave, such as ``Location``."""
    body = models.TextField()
    """Sealed: answers may hold passwords and private keys. Empty where there is no body."""
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.key})"

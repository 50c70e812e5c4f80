"""The page of the answers that are kept for clients that repeat a request."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from compute_site.console.lists import ListAdmin, word_filter
from compute_site.idempotency.models import KeptAnswer


@admin.register(KeptAnswer)
class KeptAnswerAdmin(ListAdmin):
    """Kept answers can be viewed, without their bodies, and deleted: then the request can be made
    anew with its key.
    """

    user_column = "user_id"
    list_display = ("key", "method", "path", "status", "project_id", "user_named", "created_at")
    list_filter = (
        word_filter("project", "project_id"),
        word_filter("user", "user_id"),
        "created_at",
    )
    search_fields = ("key",)
    search_help_text = "Part of the key"
    ordering = ("-created_at",)
    fields = ("key", "method", "path", "status", "headers", "project_id", "user_id", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: KeptAnswer | None = None) -> bool:
        return False

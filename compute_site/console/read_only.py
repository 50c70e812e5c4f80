"""Admin pages of records that only the site itself writes: to list, filter and look at."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from compute_site.console.lists import ListAdmin


class RecordAdmin(ListAdmin):
    """No adding, no changing, no deleting."""

    actions: Any = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

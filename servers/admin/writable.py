"""Admin pages whose changes go through the functions of the API."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst

from compute_site.console.read_only import RecordAdmin
from compute_site.console.refused_deletions import RefusedDeletions
from compute_site.faults import Fault


class WritableAdmin(RecordAdmin):
    """Changed by who has Django's permission. What a function refuses is told, and changes nothing:
    the view runs in a transaction.
    """

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Fault as fault:
            self.message_user(request, fault.detail, messages.ERROR)
            return redirect(request.get_full_path())


class RemovableAdmin(RefusedDeletions, WritableAdmin):
    """Removed as well, by who has Django's permission and by the API's function: it decides whether
    the row can go, and takes with it what belongs to it.
    """

    def remove(self, row: Any) -> None:
        """
        Raises:
            Fault: the row is in use.
        """
        raise NotImplementedError

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The rows alone; what belongs to them may be a lot."""
        rows = list(objs)
        kept = [str(row) for row in rows if not self.has_delete_permission(request, row)]
        count = {capfirst(self.opts.verbose_name_plural): len(rows)}
        return [str(row) for row in rows], count, set(), kept

"""Admin pages whose changes go through the functions of the API."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from compute_site.faults import Fault
from servers.admin.read_only import RecordAdmin


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
            return redirect(request.path)

"""Tells on the page of a row why the API's function does not delete it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from compute_site.faults import Fault


class RefusedDeletions(ModelAdmin):  # type: ignore[type-arg] # generic in the stubs only
    """For pages whose ``delete_model`` raises faults. The view runs in a transaction."""

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except Fault as fault:
            self.message_user(request, fault.detail, messages.ERROR)
            page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return redirect(page, object_id)

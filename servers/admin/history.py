"""Actions, their events, faults and console tokens of servers in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from compute_site.console.lists import word_filter
from compute_site.console.named import named
from compute_site.console.read_only import RecordAdmin
from servers.admin.display import age_of, link_to, text_of
from servers.models import ConsoleToken, InstanceAction, InstanceActionEvent, ServerFault


class EventInline(admin.TabularInline):  # type: ignore[type-arg]
    """What the workers did for an action."""

    model = InstanceActionEvent
    fields = ("event", "host", "start_time", "finish_time", "result", "details", "traceback")
    readonly_fields = fields
    ordering = ("pk",)
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(InstanceAction)
class InstanceActionAdmin(RecordAdmin):
    user_column = "user_id"
    list_display = ("action", "server", "user_named", "request_id", "message", "age")
    list_filter = (word_filter("action", "action"), word_filter("result", "message"), "start_time")
    list_select_related = ("instance",)
    search_fields = ("request_id__exact", "user_id__exact")
    id_fields = ("instance__uuid",)
    search_help_text = "Request id, server id or user id"
    ordering = ("-id",)
    sortable_by = ("age",)
    inlines = (EventInline,)
    age = age_of("start_time")
    user = named("user_id", "identity.user", "user")
    project = named("project_id", "identity.project", "project")
    fields = (
        *("server", "action", "request_id", "user", "project", "start_time"),
        *("finish_time", "message"),
    )
    readonly_fields = fields
    server = link_to("instance", "server")


@admin.register(ConsoleToken)
class ConsoleTokenAdmin(RecordAdmin):
    list_display = ("server_name", "console_type", "host", "port", "expires_at", "age")
    list_filter = (word_filter("type", "console_type"), "expires_at")
    list_select_related = ("instance",)
    search_fields = ("host__exact",)
    id_fields = ("instance__uuid",)
    search_help_text = "Server id or host"
    ordering = ("-id",)
    sortable_by = ("age",)
    fields = ("server", "console_type", "host", "port", "expires_at", "created_at")
    readonly_fields = fields
    server = link_to("instance", "server")
    server_name = text_of("instance", "server")
    age = age_of("created_at")


@admin.register(ServerFault)
class FaultAdmin(RecordAdmin):
    list_display = ("message", "code", "server", "host", "age")
    list_filter = (word_filter("host", "host"), "created_at")
    list_select_related = ("instance",)
    search_fields = ("message", "host__exact")
    id_fields = ("instance__uuid",)
    search_help_text = "A part of the message, server id or host"
    ordering = ("-id",)
    sortable_by = ("age",)
    age = age_of("created_at")
    fields = ("server", "code", "message", "host", "details", "created_at")
    readonly_fields = fields
    server = link_to("instance", "server")

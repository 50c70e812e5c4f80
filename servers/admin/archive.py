"""Archived servers in the admin."""

from __future__ import annotations

from django.contrib import admin

from compute_site.console.read_only import RecordAdmin
from servers.admin.display import age_of, structured
from servers.models import ArchivedServer

HIDDEN = {"user_data", "key_data", "system_metadata", "parts"}
"""Columns of a server that its own page does not show either."""


@admin.register(ArchivedServer)
class ArchivedServerAdmin(RecordAdmin):
    """Deleted servers that requests do not know any more."""

    user_column = "user_id"
    list_display = ("display_name", "uuid", "project_id", "user_named", "deleted_at", "age")
    list_filter = ("deleted_at",)
    search_fields = ("project_id__exact", "user_id__exact")
    id_fields = ("uuid",)
    search_help_text = "Id of the server, of its project or of its user"
    ordering = ("-deleted_at",)
    sortable_by = ("deleted_at",)
    age = age_of("archived_at", "archived")
    fields = (
        *("display_name", "uuid", "project_id", "user_id", "created_at", "deleted_at"),
        *("archived_at", "facts", "actions_of_it"),
    )
    readonly_fields = ("facts", "actions_of_it")

    @admin.display(description="facts")
    def facts(self, server: ArchivedServer) -> str:
        return structured(
            {name: value for name, value in server.record.items() if name not in HIDDEN}
        )

    @admin.display(description="actions")
    def actions_of_it(self, server: ArchivedServer) -> str:
        names = ("action", "start_time", "user_id", "request_id", "message")
        actions = server.record["parts"]["actions"]
        return structured([{name: action[name] for name in names} for action in actions])

"""Moves of servers in the admin."""

from __future__ import annotations

from django.contrib import admin

from compute_site.console.named import named
from compute_site.console.read_only import RecordAdmin
from servers.admin.display import age_of, link_to, text_of
from servers.models import Migration


@admin.register(Migration)
class MigrationAdmin(RecordAdmin):
    list_display = (
        "server_name",
        "migration_type",
        "status",
        "source_compute",
        "dest_compute",
        "flavors",
        "age",
    )
    list_filter = ("migration_type", "status", "created_at")
    list_select_related = ("instance",)
    search_fields = ("source_compute__exact", "dest_compute__exact", "user_id__exact")
    id_fields = ("uuid", "instance__uuid")
    search_help_text = "Id of a move or server, host or user id"
    ordering = ("-id",)
    sortable_by = ("age",)
    age = age_of("created_at")
    exclude = ("instance", "user_id", "project_id")
    server = link_to("instance", "server")
    server_name = text_of("instance", "server")
    user = named("user_id", "identity.user", "user")
    project = named("project_id", "identity.project", "project")
    readonly_fields = ("server", "user", "project")

    @admin.display(description="flavor")
    def flavors(self, move: Migration) -> str:
        return move.flavor_names

"""Server groups and key pairs in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from compute_site.console.named import named
from compute_site.console.read_only import RecordAdmin
from servers.admin.display import age_of, link_to, state, structure_of
from servers.models import KeyPair, ServerGroup, ServerGroupMember


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """The servers of a group, with their places."""

    model = ServerGroupMember
    fields = ("server", "status", "host")
    server = link_to("instance", "server")
    readonly_fields = fields
    can_delete = False
    extra = 0
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServerGroupMember]:
        return super().get_queryset(request).select_related("instance", "group")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display
    def status(self, member: ServerGroupMember) -> str:
        return state(member.instance)

    @admin.display
    def host(self, member: ServerGroupMember) -> str:
        return member.instance.host or "–"


@admin.register(ServerGroup)
class ServerGroupAdmin(RecordAdmin):
    counted = "members"
    list_display = ("named", "policy", "project", "member_count", "age")
    list_filter = ("policy",)
    list_select_related = ("project",)
    search_fields = ("name", "project__name")
    id_fields = ("uuid", "members__instance__uuid")
    search_help_text = "Name, id, project, or id of a member"
    ordering = ("-id",)
    sortable_by = ("age",)
    inlines = (MemberInline,)
    age = age_of("created_at")
    more_rules = structure_of("rules")
    fields = ("name", "uuid", "policy", "more_rules", "project", "user", "created_at")
    readonly_fields = ("more_rules", "user")
    user = named("user_id", "identity.user", "user")

    @admin.display(description="members")
    def member_count(self, group: Any) -> int:
        return self.count_for(group)


@admin.register(KeyPair)
class KeyPairAdmin(RecordAdmin):
    list_display = ("name", "user", "type", "fingerprint", "age")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("name__exact", "user__username__exact", "fingerprint__exact")
    search_help_text = "Name, user or fingerprint"
    ordering = ("-id",)
    sortable_by = ("age",)
    age = age_of("created_at")

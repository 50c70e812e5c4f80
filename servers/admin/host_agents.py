"""Agents of hosts in the admin, and the orders that they got. Tokens cannot be shown: only their
digests are kept. What an order tells of a guest may be secret, and is not shown either.
"""

from __future__ import annotations

from django.contrib import admin

from compute_site.console.lists import word_filter
from compute_site.console.read_only import RecordAdmin
from servers.admin.display import age, structure_of
from servers.models import HostAgent, HostOrder


@admin.register(HostAgent)
class HostAgentAdmin(RecordAdmin):
    list_display = ("host", "hypervisor", "version", "epoch", "may_join", "has_token", "seen")
    list_filter = (word_filter("hypervisor", "hypervisor"),)
    list_select_related = ("service",)
    search_fields = ("service__host",)
    search_help_text = "Host"
    ordering = ("service__host",)
    sortable_by = ()
    told = structure_of("load", "last told")
    fields = (
        *("service", "hypervisor", "version", "protocol", "epoch", "boot_id", "told"),
        *("may_join", "join_until", "has_token", "created_at", "joined_at"),
    )
    readonly_fields = fields

    @admin.display(description="seen")
    def seen(self, agent: HostAgent) -> str:
        return age(agent.service.last_seen_up, units=1)

    @admin.display(description="host")
    def host(self, agent: HostAgent) -> str:
        return agent.service.host

    @admin.display(description="may join", boolean=True)
    def may_join(self, agent: HostAgent) -> bool:
        return bool(agent.join_digest)

    @admin.display(description="has a token", boolean=True)
    def has_token(self, agent: HostAgent) -> bool:
        return bool(agent.token_digest)


@admin.register(HostOrder)
class HostOrderAdmin(RecordAdmin):
    list_display = ("id", "task", "server_id", "host", "created_at", "taken_at", "done_at", "ok")
    list_filter = (word_filter("task", "task"), word_filter("host", "agent__service__host"))
    list_select_related = ("agent__service",)
    search_fields = ("server_id__exact",)
    search_help_text = "Server id, or id of the order"
    id_fields = ("uuid",)
    ordering = ("-id",)
    sortable_by = ("id",)
    answered = structure_of("answer")
    last_progress = structure_of("progress")
    fields = (
        *("id", "uuid", "agent", "task", "server_id", "generation", "images"),
        *("created_at", "not_after", "taken_at", "last_progress", "done_at", "answered"),
    )
    readonly_fields = fields

    @admin.display(description="host")
    def host(self, order: HostOrder) -> str:
        return order.agent.service.host

    @admin.display(description="ok", boolean=True)
    def ok(self, order: HostOrder) -> bool | None:
        return None if order.answer is None else bool(order.answer.get("ok"))

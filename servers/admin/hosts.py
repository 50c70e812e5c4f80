"""Cells, services, compute nodes and what servers hold of them in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from compute_site.console.lists import word_filter
from servers.admin.display import age_of, meter
from servers.admin.read_only import RecordAdmin
from servers.hosts.services import ServiceChange, change_services
from servers.models import Allocation, Cell, ComputeNode, Service
from servers.models.host import COMPUTE_BINARY


@admin.register(Cell)
class CellAdmin(RecordAdmin):
    """A disabled cell gets no new servers."""

    list_display = ("name", "uuid", "disabled", "service_count")
    counted = "services"
    ordering = ("name",)
    fields = ("name", "uuid", "disabled")
    readonly_fields = ("name", "uuid")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    @admin.display(description="services")
    def service_count(self, cell: Any) -> int:
        return self.count_for(cell)


@admin.register(Service)
class ServiceAdmin(RecordAdmin):
    list_display = (
        *("host", "binary", "is_up", "enabled", "forced_down", "disabled_reason", "cell"),
        *("version", "seen"),
    )
    list_filter = (
        word_filter("binary", "binary"),
        "disabled",
        "forced_down",
        word_filter("cell", "cell__name"),
    )
    list_select_related = ("cell", "node")
    search_fields = ("host",)
    id_fields = ("uuid",)
    search_help_text = "Host or id"
    ordering = ("host", "binary")
    seen = age_of("last_seen_up", "seen")
    actions = ("disable", "enable", "force_down", "let_up")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of the actions; there is no form."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)

    @admin.action(description="Disable: no new servers", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        reason = f"by {request.user} in the admin"
        self._change(request, queryset, ServiceChange(disabled=True, reason=reason), "disabled")

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._change(request, queryset, ServiceChange(disabled=False), "enabled")

    @admin.action(description="Force down: it counts as lost", permissions=["change"])
    def force_down(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._change(request, queryset, ServiceChange(forced_down=True), "forced down")

    @admin.action(description="Force down no longer", permissions=["change"])
    def let_up(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._change(request, queryset, ServiceChange(forced_down=False), "not forced down")

    def _change(
        self, request: HttpRequest, queryset: QuerySet[Service], change: ServiceChange, word: str
    ) -> None:
        services = list(queryset.filter(binary=COMPUTE_BINARY))
        number = change_services(services, change)
        for service in services:
            self.log_change(request, service, f"It is {word}.")
        text = f"{number} services are {word}. Only those that run servers can be changed."
        self.message_user(request, text, messages.SUCCESS if number else messages.WARNING)

    @admin.display(description="up", boolean=True)
    def is_up(self, service: Service) -> bool:
        return service.is_up

    @admin.display(description="enabled", boolean=True, ordering="disabled")
    def enabled(self, service: Service) -> bool:
        return not service.disabled


@admin.register(ComputeNode)
class ComputeNodeAdmin(RecordAdmin):
    """Bars of what servers hold, against what may be given away."""

    list_display = ("named", "host", "running_vms", "vcpus_bar", "memory_bar", "disk_bar")
    list_filter = (
        word_filter("driver", "driver"),
        "service__disabled",
        word_filter("cell", "service__cell__name"),
    )
    list_select_related = ("service",)
    search_fields = ("hypervisor_hostname", "service__host")
    id_fields = ("uuid",)
    search_help_text = "Node, host or id"
    ordering = ("hypervisor_hostname",)
    fields = (
        *("hypervisor_hostname", "uuid", "service", "driver", "running_vms"),
        *("vcpus_bar", "memory_bar", "disk_bar"),
    )
    readonly_fields = ("running_vms", "vcpus_bar", "memory_bar", "disk_bar")

    @admin.display(description="node", ordering="hypervisor_hostname")
    def named(self, node: ComputeNode) -> str:
        return node.hypervisor_hostname

    @admin.display(description="host", ordering="service__host")
    def host(self, node: ComputeNode) -> str:
        return node.service.host

    @admin.display(description="vCPUs", ordering="vcpus_used")
    def vcpus_bar(self, node: ComputeNode) -> str:
        return meter(node.vcpus_used, node.vcpus_used + node.free_vcpus)

    @admin.display(description="memory", ordering="memory_mb_used")
    def memory_bar(self, node: ComputeNode) -> str:
        most = node.memory_mb_used + node.free_memory_mb
        return meter(round(node.memory_mb_used / 1024, 1), round(most / 1024, 1), "GiB")

    @admin.display(description="disk", ordering="local_gb_used")
    def disk_bar(self, node: ComputeNode) -> str:
        return meter(node.local_gb_used, node.local_gb_used + node.free_disk_gb, "GiB")


@admin.register(Allocation)
class AllocationAdmin(RecordAdmin):
    list_display = ("consumer", "server", "provider", "resource_class", "amount")
    list_select_related = ("consumer__instance", "provider")
    search_fields = ("provider__name__exact",)
    id_fields = ("consumer__uuid", "consumer__instance__uuid")
    search_help_text = "Server id, move id or provider"
    ordering = ("-id",)
    sortable_by = ()

    @admin.display(description="server")
    def server(self, allocation: Allocation) -> str:
        return str(allocation.consumer.instance or "")

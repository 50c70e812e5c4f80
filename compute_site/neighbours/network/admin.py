"""Networks, subnets, ports and security groups in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from compute_site.console.lists import ListAdmin, word_filter
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.models import (
    FixedIp,
    FloatingIp,
    Network,
    Port,
    Quota,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.quota_admin import QuotaAdmin


class SubnetInline(admin.TabularInline):  # type: ignore[type-arg]
    """The subnets of a network; they are edited on their own pages."""

    model = Subnet
    fields = ("name", "cidr", "gateway_ip", "enable_dhcp", "ipv6_address_mode")
    readonly_fields = fields
    show_change_link = True
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Network | None = None) -> bool:
        return False


@admin.register(Network)
class NetworkAdmin(ListAdmin):
    counted = "ports"
    list_display = (
        *("named", "project", "shared", "external", "status", "physical_network", "port_count"),
    )
    list_filter = (
        "shared",
        "external",
        word_filter("project", "project__name", "project__id"),
        word_filter("kind", "network_type"),
        word_filter("status", "status"),
        "port_security_enabled",
    )
    list_select_related = ()
    list_prefetched = ("project",)
    search_fields = ("name",)
    id_fields = ("id", "subnets__id")
    search_help_text = "Part of the name, id of the network or of a subnet"
    autocomplete_fields = ("project",)
    readonly_fields = ("id", "tags")
    ordering = ("name", "id")
    inlines = (SubnetInline,)
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "admin_state_up", "status")}),
        ("Who may use it", {"fields": ("shared", "external", "is_default")}),
        ("Traffic", {"fields": ("mtu", "port_security_enabled")}),
        ("Provider", {"fields": ("network_type", "physical_network", "segmentation_id")}),
        ("Times", {"fields": ("created_at",)}),
    )

    @admin.display(description="ports")
    def port_count(self, network: Network) -> int:
        return self.count_for(network)


@admin.register(Subnet)
class SubnetAdmin(ListAdmin):
    list_display = (
        *("named", "network", "project", "cidr", "ip_version", "gateway_ip", "enable_dhcp"),
    )
    list_filter = (
        word_filter("project", "project__name", "project__id"),
        word_filter("version of IP", "ip_version"),
        "enable_dhcp",
    )
    list_select_related = ()
    list_prefetched = ("network", "project")
    search_fields = ("name", "cidr")
    id_fields = ("id", "network__id")
    search_help_text = "Part of the name or of the range, id of the subnet or of its network"
    autocomplete_fields = ("network", "project")
    readonly_fields = ("id", "host_routes", "tags")
    ordering = ("cidr", "id")


class FixedIpInline(admin.TabularInline):  # type: ignore[type-arg]
    """The addresses that a port holds."""

    model = FixedIp
    fields = ("address", "subnet")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Port | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[FixedIp]:
        return super().get_queryset(request).select_related("subnet")


@admin.register(Port)
class PortAdmin(ListAdmin):
    """The holder and the binding of a port cannot be changed here: that is done through servers."""

    list_display = (
        *("named", "network", "project", "addresses", "status", "device_id", "binding_host"),
    )
    list_filter = (
        word_filter("status", "status"),
        word_filter("project", "project__name", "project__id"),
        word_filter("kind", "vnic_type"),
        "created_by_server",
        word_filter("owner", "device_owner"),
        word_filter("host", "binding_host"),
        word_filter("network", "network__name", "network__id"),
    )
    list_select_related = ()
    list_prefetched = ("network", "project")
    search_fields = ("name", "mac_address__exact")
    id_fields = ("id", "device_id")
    address_fields = ("fixed_ips__address",)
    search_help_text = "Part of the name, id, server id, address or MAC address"
    autocomplete_fields = ("network", "project", "security_groups")
    readonly_fields = (
        *("id", "device_id", "device_owner", "binding_host", "vif_type", "status"),
        *("tag", "position", "created_by_server", "tags"),
        *("allowed_address_pairs", "extra_dhcp_opts"),
    )
    ordering = ("-created_at", "id")
    inlines = (FixedIpInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Port]:
        return super().get_queryset(request).prefetch_related("fixed_ips")

    @admin.display
    def addresses(self, port: Port) -> str:
        return ", ".join(fixed_ip.address for fixed_ip in port.fixed_ips.all())


class RuleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The rules of a security group."""

    model = SecurityGroupRule
    fk_name = "group"
    fields = (
        *("direction", "ethertype", "protocol", "port_range_min", "port_range_max"),
        *("remote_ip_prefix", "remote_group"),
    )
    autocomplete_fields = ("remote_group",)
    extra = 0


@admin.register(SecurityGroup)
class SecurityGroupAdmin(ListAdmin):
    counted = "ports"
    list_display = ("named", "project", "description", "port_count", "created_at")
    list_select_related = ()
    list_prefetched = ("project",)
    list_filter = (word_filter("project", "project__name", "project__id"),)
    search_fields = ("name", "description")
    id_fields = ("id",)
    search_help_text = "Part of the name or description, or id"
    autocomplete_fields = ("project",)
    readonly_fields = ("id", "tags")
    ordering = ("name", "id")
    inlines = (RuleInline,)

    @admin.display(description="ports")
    def port_count(self, group: SecurityGroup) -> int:
        return self.count_for(group)


@admin.register(FloatingIp)
class FloatingIpAdmin(ListAdmin):
    """Floating IPs can be viewed and deleted here; only the network API makes them."""

    list_display = ("address", "id", "project", "port", "fixed_address", "created_at")
    list_select_related = ("project", "port")
    list_filter = (word_filter("project", "project__name", "project__id"),)
    search_fields = ("description",)
    id_fields = ("id", "port__id")
    address_fields = ("address", "fixed_address")
    search_help_text = "Address, id of the address or of its port"
    readonly_fields = ("id", "project", "outside", "address", "port", "fixed_address", "tags")
    ordering = ("address",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: FloatingIp) -> None:
        obj.outside.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[FloatingIp]) -> None:
        Port.objects.filter(floating_ip__in=queryset).delete()


@admin.register(Quota)
class NetworkQuotaAdmin(QuotaAdmin):
    quotas = QUOTAS

"""Networks, subnets, ports and security groups in the admin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from compute_site.caller import Caller
from compute_site.console.api_pages import ApiAdmin, ApiForm, PartInline, parts_of
from compute_site.console.form_fields import RowSelect, StrictJSONField
from compute_site.console.lists import word_filter
from compute_site.console.named import named
from compute_site.console.read_only import RecordAdmin
from compute_site.neighbours.network.api import shapes
from compute_site.neighbours.network.local import (
    access,
    address_groups,
    changes,
    floating,
    pools,
    qos,
    routers,
    scopes,
)
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.pools import POOL_COLUMNS
from compute_site.neighbours.network.local.rows import (
    NETWORK_COLUMNS,
    PORT_COLUMNS,
    RULE_COLUMNS,
    SUBNET_COLUMNS,
)
from compute_site.neighbours.network.models import (
    AddressGroup,
    AddressScope,
    FixedIp,
    FloatingIp,
    HeldPort,
    Network,
    NetworkAccess,
    Port,
    PortBinding,
    QosPolicy,
    QosRule,
    Quota,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
)
from compute_site.neighbours.quota_admin import QuotaAdmin
from compute_site.values.keys import without

HINTS = "availability_zone_hints"
"""Said by the network API alone, and shown here."""
BY_PROJECT = word_filter("project", "project__name", "project__id")
TIMES: tuple[str, Any] = ("Times", {"fields": ("created_at", "updated_at", "revision_number")})


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
class NetworkAdmin(ApiAdmin):
    servers_by = "network"
    keys = {
        **{column: key for column, key in NETWORK_COLUMNS.items() if key != HINTS},
        "project": "project_id",
    }
    new = shapes.NEW_NETWORK
    changed = shapes.CHANGED_NETWORK
    counted = "ports"
    list_display = (
        *("named", "project", "shared", "external", "status", "physical_network", "port_count"),
    )
    list_filter = (
        "shared",
        "external",
        BY_PROJECT,
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
    ordering = ("name", "id")
    inlines = (SubnetInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "id",
                    "name",
                    "project",
                    "description",
                    "admin_state_up",
                    "status",
                    "tags",
                )
            },
        ),
        ("Who may use it", {"fields": ("shared", "external", "is_default")}),
        ("Traffic", {"fields": ("mtu", "port_security_enabled", HINTS)}),
        ("Provider", {"fields": ("network_type", "physical_network", "segmentation_id")}),
        TIMES,
    )

    create = staticmethod(changes.create_network)
    change = staticmethod(changes.change)
    delete = staticmethod(changes.delete_network)

    @admin.display(description="ports")
    def port_count(self, network: Network) -> int:
        return self.count_for(network)


@admin.register(AddressScope)
class AddressScopeAdmin(ApiAdmin):
    keys = {"project": "project_id", **{key: key for key in ("name", "ip_version", "shared")}}
    new = shapes.NEW_SCOPE
    changed = shapes.CHANGED_SCOPE
    fieldsets = ((None, {"fields": ("id", "name", "project", "ip_version", "shared")}),)
    list_display = ("named", "project", "ip_version", "shared")
    list_select_related = ("project",)
    list_filter = (
        BY_PROJECT,
        word_filter("version of IP", "ip_version"),
        "shared",
    )
    search_fields = ("name",)
    id_fields = ("id",)
    search_help_text = "Part of the name, or id"
    autocomplete_fields = ("project",)
    ordering = ("name", "id")

    create = staticmethod(scopes.create_scope)
    change = staticmethod(scopes.change_scope)
    delete = staticmethod(scopes.delete_scope)


class SubnetPoolForm(ApiForm):
    """A subnet pool with its ranges, as the API takes them."""

    prefixes = StrictJSONField(
        kind=list,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text='Ranges of one IP version, such as ["10.8.0.0/16"].',
    )


@admin.register(SubnetPool)
class SubnetPoolAdmin(ApiAdmin):
    form = SubnetPoolForm
    keys = {
        **{column.removesuffix("_id"): key for column, key in POOL_COLUMNS.items()},
        **{key: key for key in ("prefixes", "shared")},
        "project": "project_id",
    }
    new = shapes.NEW_POOL
    changed = shapes.CHANGED_POOL
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "description", "tags")}),
        ("Who may use it", {"fields": ("shared", "is_default", "default_quota")}),
        (
            "Addresses",
            {
                "fields": (
                    *("prefixes", "ip_version", "scope"),
                    *("min_prefixlen", "default_prefixlen", "max_prefixlen"),
                )
            },
        ),
        TIMES,
    )
    list_display = ("named", "project", "ip_version", "shared", "is_default", "scope")
    list_select_related = ("project", "scope")
    list_filter = (
        BY_PROJECT,
        word_filter("version of IP", "ip_version"),
        *("shared", "is_default"),
    )
    search_fields = ("name", "description")
    id_fields = ("id", "scope__id")
    search_help_text = "Part of the name or description, id of the pool or of its address scope"
    autocomplete_fields = ("project", "scope")
    ordering = ("name", "id")

    create = staticmethod(pools.create_pool)
    change = staticmethod(pools.change_pool)
    delete = staticmethod(pools.delete_pool)


class SubnetForm(ApiForm):
    """A subnet, with what only its creation asks for."""

    prefixlen = forms.IntegerField(
        required=False,
        label="length of the prefix",
        help_text="Of a range that is cut from a pool; empty: the usual one of the pool.",
    )


@admin.register(Subnet)
class SubnetAdmin(ApiAdmin):
    form = SubnetForm
    keys = {
        **{column: key for column, key in SUBNET_COLUMNS.items() if column != "network_id"},
        **{key: key for key in ("ip_version", "gateway_ip", "allocation_pools", "prefixlen")},
        "network": "network_id",
        "pool": "subnetpool_id",
        "project": "project_id",
    }
    new = shapes.NEW_SUBNET
    changed = shapes.CHANGED_SUBNET
    fieldsets = (
        (
            None,
            {"fields": ("id", "name", "network", "project", "description", "tags")},
        ),
        (
            "Addresses",
            {
                "fields": (
                    *("pool", "prefixlen", "cidr", "ip_version", "gateway_ip"),
                    *("allocation_pools", "enable_dhcp"),
                    *("dns_nameservers", "host_routes", "ipv6_address_mode", "ipv6_ra_mode"),
                    "service_types",
                )
            },
        ),
        TIMES,
    )
    list_display = (
        *("named", "network", "project", "cidr", "ip_version", "gateway_ip", "enable_dhcp"),
    )
    list_filter = (
        BY_PROJECT,
        word_filter("version of IP", "ip_version"),
        "enable_dhcp",
    )
    list_select_related = ()
    list_prefetched = ("network", "project")
    search_fields = ("name", "cidr")
    id_fields = ("id", "network__id")
    search_help_text = "Part of the name or of the range, id of the subnet or of its network"
    autocomplete_fields = ("network", "project", "pool")
    ordering = ("cidr", "id")

    def get_fieldsets(self, request: HttpRequest, obj: Subnet | None = None) -> Any:
        """Of one that exists, its range is known."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        return tuple(
            (title, {"fields": tuple(name for name in part["fields"] if name != "prefixlen")})
            for title, part in found
        )

    create = staticmethod(changes.create_subnet)
    change = staticmethod(changes.change)
    delete = staticmethod(changes.delete_subnet)


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


class PortForm(ApiForm):
    """A port with its addresses, as the API takes them."""

    fixed_ips = StrictJSONField(
        required=False,
        kind=list,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        label="addresses asked for",
        help_text='Such as [{"ip_address": "10.0.0.5"}] or [{"subnet_id": "…"}]. Empty: a new port '
        "gets one of each IP version, and one that exists keeps its own.",
    )


class PortBindingInline(admin.TabularInline):  # type: ignore[type-arg]
    """The other hosts that a port is prepared for, while its server moves."""

    model = PortBinding
    fields = ("host", "vnic_type", "vif_type", "profile")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Port | None = None) -> bool:
        return False


@admin.register(Port)
class PortAdmin(ApiAdmin):
    """The holder and the binding of a port cannot be changed here: that is done through servers."""

    form = PortForm
    keys = {
        **{column: key for column, key in PORT_COLUMNS.items() if column != "network_id"},
        **{key: key for key in ("mac_address", "fixed_ips", "security_groups")},
        "network": "network_id",
        "project": "project_id",
    }
    held = ("device_id", "device_owner", "binding:host_id", "tags")
    new = without(shapes.NEW_PORT, *held)
    changed = without(shapes.CHANGED_PORT, *held)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("id", "name", "network", "project", "description", "admin_state_up"),
                    *("status", "tags"),
                )
            },
        ),
        (
            "Addresses",
            {
                "fields": (
                    *("mac_address", "fixed_ips", "ip_allocation", "allowed_address_pairs"),
                    *("extra_dhcp_opts", "dns_name"),
                )
            },
        ),
        ("Security", {"fields": ("port_security_enabled", "security_groups")}),
        (
            "Binding",
            {
                "fields": (
                    *("vnic_type", "binding_profile", "binding_host", "vif_type"),
                    *("resource_request", "numa_affinity_policy", "device_profile", "trusted"),
                )
            },
        ),
        (
            "Holder",
            {"fields": ("device", "device_owner", "tag", "position", "created_by_server")},
        ),
        TIMES,
    )
    list_display = (
        *("named", "network", "project", "addresses", "status", "device", "binding_host"),
    )
    device = named("device_id", "servers.instance", "server or other device")
    list_filter = (
        word_filter("status", "status"),
        BY_PROJECT,
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
    ordering = ("-created_at", "id")
    inlines = (FixedIpInline, PortBindingInline)

    create = staticmethod(changes.create_port)
    change = staticmethod(changes.change)
    delete = staticmethod(changes.delete_port)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Port]:
        return super().get_queryset(request).prefetch_related("fixed_ips")

    @admin.display
    def addresses(self, port: Port) -> str:
        return ", ".join(fixed_ip.address for fixed_ip in port.fixed_ips.all())


class RuleInline(PartInline):
    """The rules of a security group; a rule is made and deleted, and not changed."""

    model = SecurityGroupRule
    fk_name = "group"
    keys = {
        **{name.removesuffix("_id"): name for name in RULE_COLUMNS},
    }
    new = without(shapes.NEW_RULE, "security_group_id")
    fields = (
        *("direction", "ethertype", "protocol", "port_range_min", "port_range_max"),
        *("remote_ip_prefix", "remote_group", "remote_address_group", "description"),
    )
    autocomplete_fields = ("remote_group", "remote_address_group")


@admin.register(SecurityGroup)
class SecurityGroupAdmin(ApiAdmin):
    keys = {
        **{key: key for key in ("name", "description", "stateful", "tags")},
        "project": "project_id",
    }
    new = shapes.NEW_SECURITY_GROUP
    changed = shapes.CHANGED_SECURITY_GROUP
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "description", "stateful", "tags")}),
        TIMES,
    )
    counted = "ports"
    list_display = ("named", "project", "description", "port_count", "created_at")
    list_select_related = ()
    list_prefetched = ("project",)
    list_filter = (BY_PROJECT,)
    search_fields = ("name", "description")
    id_fields = ("id",)
    search_help_text = "Part of the name or description, or id"
    autocomplete_fields = ("project",)
    ordering = ("name", "id")
    inlines = (RuleInline,)

    def get_inlines(self, request: HttpRequest, obj: SecurityGroup | None) -> Any:
        """A new group gets its first rules by the API's function."""
        return self.inlines if obj else ()

    create = staticmethod(changes.create_group)
    change = staticmethod(changes.change_group)
    delete = staticmethod(changes.delete_group)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        caller = self.caller(request, form.instance)
        deleted, new = parts_of(formset)
        for rule in deleted:
            changes.delete_rule(caller, rule)
        for part in new:
            values = {**part.values, "security_group_id": form.instance.pk}
            changes.create_rule(caller, values, part.given)

    @admin.display(description="ports")
    def port_count(self, group: SecurityGroup) -> int:
        return self.count_for(group)


class AddressGroupForm(ApiForm):
    """An address group with its ranges, as the API takes them."""

    addresses = StrictJSONField(
        kind=list,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text='Ranges, such as ["10.8.0.0/16", "10.9.0.7/32"].',
    )


@admin.register(AddressGroup)
class AddressGroupAdmin(ApiAdmin):
    """The ranges of a group that exists come and go by the network API."""

    form = AddressGroupForm
    keys = {"project": "project_id", **{key: key for key in ("name", "description", "addresses")}}
    new = shapes.NEW_ADDRESS_GROUP
    changed = shapes.CHANGED_ADDRESS_GROUP
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "description", "addresses")}),
        TIMES,
    )
    list_display = ("named", "project", "description", "created_at")
    list_select_related = ("project",)
    list_filter = (BY_PROJECT,)
    search_fields = ("name", "description")
    id_fields = ("id",)
    search_help_text = "Part of the name or description, or id"
    autocomplete_fields = ("project",)
    ordering = ("name", "id")

    create = staticmethod(address_groups.create_address_group)
    change = staticmethod(address_groups.change_address_group)
    delete = staticmethod(address_groups.delete_address_group)


class RouterForm(ApiForm):
    """A router: where it stands and leads out is said by the network API alone."""


@admin.register(Router)
class RouterAdmin(ApiAdmin):
    form = RouterForm
    keys = {
        "project": "project_id",
        **{key: key for key in ("name", "description", "admin_state_up")},
    }
    new = shapes.NEW_ROUTER
    changed = shapes.CHANGED_ROUTER
    list_display = ("named", "project", "status", "admin_state_up", "way_out", "created_at")
    list_select_related = ()
    list_prefetched = ("project", "gateway__network")
    list_filter = (
        BY_PROJECT,
        "admin_state_up",
        "enable_snat",
    )
    search_fields = ("name", "description")
    id_fields = ("id",)
    search_help_text = "Part of the name or description, or id"
    autocomplete_fields = ("project",)
    ordering = ("name", "id")
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "description", "tags")}),
        ("State", {"fields": ("status", "admin_state_up", HINTS)}),
        ("Ways", {"fields": ("way_out", "gateway", "enable_snat", "routes")}),
        TIMES,
    )

    @admin.display(description="external network")
    def way_out(self, router: Router) -> str:
        return str(router.gateway.network) if router.gateway is not None else "–"

    create = staticmethod(routers.create_router)
    change = staticmethod(routers.change_router)
    delete = staticmethod(routers.delete_router)


class FloatingIpForm(ApiForm):
    """A floating IP: the network that it is of, and what only its creation asks for."""

    floating_network = forms.ModelChoiceField(
        Network.objects.filter(external=True),
        widget=RowSelect(Port._meta.get_field("network"), admin.site),  # noqa: SLF001
        label="external network",
    )
    subnet_id = forms.UUIDField(required=False, label="subnet")
    floating_ip_address = forms.GenericIPAddressField(required=False, label="address")


@admin.register(FloatingIp)
class FloatingIpAdmin(ApiAdmin):
    form = FloatingIpForm
    keys = {
        "project": "project_id",
        "floating_network": "floating_network_id",
        **{key: key for key in ("subnet_id", "floating_ip_address", "description")},
        "port": "port_id",
        "fixed_address": "fixed_ip_address",
    }
    new = shapes.NEW_FLOATING_IP
    changed = shapes.CHANGED_FLOATING_IP
    list_display = ("address", "id", "project", "port", "fixed_address", "created_at")
    list_select_related = ("project", "port")
    list_filter = (BY_PROJECT,)
    search_fields = ("description",)
    id_fields = ("id", "port__id")
    address_fields = ("address", "fixed_address")
    search_help_text = "Address, id of the address or of its port"
    autocomplete_fields = ("project", "port")
    ordering = ("address",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("id", "project", "floating_network", "subnet_id", "floating_ip_address"),
                    *("address", "outside", "description", "tags"),
                )
            },
        ),
        ("Associated with", {"fields": ("port", "fixed_address")}),
        TIMES,
    )

    def get_fieldsets(self, request: HttpRequest, obj: FloatingIp | None = None) -> Any:
        """Of one that exists, its port on the external network says where it is from."""
        if obj is None:
            return super().get_fieldsets(request)
        first = ("id", "project", "address", "outside", "description", "tags")
        return ((None, {"fields": first}), *self.fieldsets[1:])

    create = staticmethod(floating.create_floating_ip)

    def change(
        self, caller: Caller, row: FloatingIp, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        """The fixed address is that of a port, which is named with it."""
        port = {} if "port_id" in given or row.port_id is None else {"port_id": row.port_id}
        names = {*given, *(port if "fixed_ip_address" in given else ())}
        floating.change_floating_ip(caller, row, {**values, **port}, names)

    delete = staticmethod(floating.delete_floating_ip)


class QosRuleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The rules of a QoS policy; the network API makes and changes them."""

    model = QosRule
    fields = ("kind", "direction", "amount", "burst")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: QosPolicy | None = None) -> bool:
        return False


@admin.register(QosPolicy)
class QosPolicyAdmin(ApiAdmin):
    keys = {"project": "project_id", **{key: key for key in ("name", "description", "shared")}}
    new = without(shapes.NEW_QOS_POLICY, "is_default")
    changed = shapes.CHANGED_QOS_POLICY
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "description", "shared")}),
        TIMES,
    )
    list_display = ("named", "project", "shared", "created_at")
    list_select_related = ("project",)
    list_filter = (BY_PROJECT, "shared")
    search_fields = ("name", "description")
    id_fields = ("id",)
    search_help_text = "Part of the name or description, or id"
    autocomplete_fields = ("project",)
    ordering = ("name", "id")
    inlines = (QosRuleInline,)

    create = staticmethod(qos.create_policy)
    change = staticmethod(qos.change_policy)
    delete = staticmethod(qos.delete_policy)


@admin.register(NetworkAccess)
class NetworkAccessAdmin(ApiAdmin):
    keys = {
        "network": "object_id",
        "action": "action",
        "target_project": "target_tenant",
        "project": "project_id",
    }
    new = without(shapes.NEW_ACCESS, "object_type")
    changed = shapes.CHANGED_ACCESS
    fieldsets = ((None, {"fields": ("id", "network", "action", "target_project", "project")}),)
    list_display = ("id", "network", "action", "target_project", "project")
    list_select_related = ("network", "project")
    list_filter = (BY_PROJECT, "action")
    search_fields = ("target_project",)
    id_fields = ("id",)
    search_help_text = "Part of the id of the project that it is for, or id"
    autocomplete_fields = ("network", "project")
    ordering = ("id",)

    create = staticmethod(access.create_access)
    change = staticmethod(access.change_access)
    delete = staticmethod(access.delete_access)


@admin.register(HeldPort)
class HeldPortAdmin(RecordAdmin):
    """Ports of a Neutron elsewhere, which are changed there and with their servers."""

    list_display = ("port_id", "server_id", "position", "tag", "given")
    id_fields = ("port_id", "server_id")
    search_fields = ("tag",)
    search_help_text = "Id of the port or of its server, or part of the tag"
    ordering = ("server_id", "position", "port_id")
    readonly_fields = ("port_id", "server_id", "position", "tag", "given")


@admin.register(Quota)
class NetworkQuotaAdmin(QuotaAdmin):
    quotas = QUOTAS

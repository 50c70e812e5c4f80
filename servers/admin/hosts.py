"""Cells, services, compute nodes and what servers hold of them in the admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import parse
from compute_site.console.lists import word_filter
from compute_site.keys import read_keys
from servers.admin.display import Links, age_of, meter, structured
from servers.admin.read_only import RecordAdmin
from servers.admin.writable import WritableAdmin
from servers.hosts.save import Host, save_hosts
from servers.hosts.services import ServiceChange, change_services
from servers.hosts.written import HOST_KEYS, WrongKey, describe_written
from servers.models import Allocation, Cell, ComputeNode, ResourceProvider, Service
from servers.models.cell import CELL0
from servers.models.service import COMPUTE_BINARY
from servers.placement.topologies import read_topologies

MOST_PROVIDERS = 50


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
        """Asked for the actions of the list; there is no form to change a cell."""
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


class HostForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new host, with the keys of a cloud file."""

    name = forms.CharField(max_length=255)
    cell = forms.ChoiceField()
    vcpus = forms.IntegerField(required=False, min_value=0, help_text="Those that guests share.")
    memory_mb = forms.IntegerField(required=False, min_value=0, label="memory, MiB")
    local_gb = forms.IntegerField(min_value=0, label="disk, GiB")
    enabled = forms.BooleanField(required=False, initial=True)
    more = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 16, "cols": 80, "class": "mono"}),
        help_text="Other keys of a host in a cloud file, in YAML: traits, inventories, providers, "
        "hardware … With cells in the hardware, CPUs and memory are theirs.",
    )

    class Meta:
        model = ComputeNode
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Cell.objects.exclude(name=CELL0).order_by("name").values_list("name", flat=True)
        self.fields["cell"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Service.objects.computes().filter(host=name).exists():
            raise ValidationError(f"There is a host {name} already.")
        return name

    def clean_more(self) -> Mapping[str, Any]:
        try:
            found = parse(self.cleaned_data["more"]) or {}
        except CloudFileError as error:
            raise ValidationError(str(error)) from None
        if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
            raise ValidationError("Give keys with values.")
        fields = sorted(found.keys() & self.fields.keys())
        if fields:
            raise ValidationError(f"{', '.join(fields)}: there are fields for that.")
        return found

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            self._describe({name: values[name] for name in self.fields if name != "more"})
        return values

    def _describe(self, fields: Mapping[str, Any]) -> None:
        written, problems = read_keys({**self.cleaned_data["more"], **fields}, HOST_KEYS)
        if not problems:
            try:
                self.host = Host(
                    name=written["name"],
                    cell=written["cell"],
                    enabled=written["enabled"],
                    description=describe_written(written),
                )
            except WrongKey as error:
                problems = [f"key {error.key}: {error}"]
        for problem in problems:
            self.add_error(None, problem)


@admin.register(ComputeNode)
class ComputeNodeAdmin(WritableAdmin):
    """Bars of what servers hold, against what may be given away. What it has is changed on the
    pages of its resource providers.
    """

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
        *("vcpus_bar", "memory_bar", "disk_bar", "providers", "hypervisor", "cells"),
    )
    new_fields = ("name", "cell", "vcpus", "memory_mb", "local_gb", "enabled", "more")
    readonly_fields = fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Any]]:
        """Django would look for columns under the names of the fields."""
        return super().get_form(request, obj, change, **kwargs) if obj else HostForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else self.new_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        node = super().get_object(request, object_id, from_field)
        if node is not None:
            node.links = Links(request.user)
        return node

    def save_model(self, request: HttpRequest, obj: ComputeNode, form: Any, change: bool) -> None:
        save_hosts([form.host])
        name = form.host.description.hypervisor_hostname
        obj.pk = ComputeNode.objects.values_list("pk", flat=True).get(hypervisor_hostname=name)
        obj.hypervisor_hostname = name

    @admin.display(description="resource providers")
    def providers(self, node: Any) -> str:
        rows = ResourceProvider.objects.filter(root__node=node).order_by("pk")[:MOST_PROVIDERS]
        return format_html_join("", "<div>{}</div>", ((node.links.to(row),) for row in rows))

    @admin.display(description="hypervisor")
    def hypervisor(self, node: ComputeNode) -> str:
        names = ("hypervisor_type", "hypervisor_version", "supported_instances", "host_ip")
        return structured({name: getattr(node.hardware, name) for name in names})

    @admin.display(description="NUMA cells, with what guests use of them")
    def cells(self, node: ComputeNode) -> str:
        [(topology, _)] = read_topologies([node.pk]).values()
        return structured([cell.as_json() for cell in topology.cells])

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

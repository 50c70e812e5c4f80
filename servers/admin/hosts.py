"""Cells, services, compute nodes and what servers hold of them in the admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import parse
from compute_site.console.lists import read_uuid, word_filter
from compute_site.console.operator import operator_of
from compute_site.console.read_only import RecordAdmin
from compute_site.faults import Fault
from compute_site.values.keys import read_keys
from servers.admin.display import (
    NOTHING,
    Links,
    age,
    age_of,
    gibibytes,
    link_to,
    meter,
    state,
    structured,
)
from servers.admin.host_operations import (
    HOST_OPERATIONS,
    MOST_SERVERS,
    HostOperation,
    servers_of,
)
from servers.admin.instance_page import is_key
from servers.admin.operation_pages import Operation, OperationsAdmin, Values
from servers.admin.parts import Part, rows
from servers.admin.writable import RemovableAdmin
from servers.hosts.save import Host, save_hosts
from servers.hosts.services import delete_service
from servers.hosts.written import HOST_KEYS, WrongKey, describe_written
from servers.models import Allocation, Cell, ComputeNode, Instance, ResourceProvider, Service
from servers.models.cell import CELL0
from servers.placement.topologies import read_topologies

MOST_PROVIDERS = 50
MOST_HOSTS_AT_ONCE = 50
MOST_REFUSALS = 20
"""So many servers that refused are told one by one."""


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
class ServiceAdmin(OperationsAdmin, RecordAdmin):
    list_display = (
        *("host", "binary", "state_shown", "disabled_reason", "cell", "version", "seen"),
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
    sortable_by = ("host",)
    operations = HOST_OPERATIONS
    operation_template = "servers/admin/host_operation.html"
    most_at_once = MOST_HOSTS_AT_ONCE

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Asked for the operations; there is no form to change a service."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)

    def find_rows(self, keys: Sequence[str]) -> list[Service]:
        return list(Service.objects.computes().filter(pk__in=keys).select_related("node"))

    def title_of(self, operation: Operation[Any], rows: Sequence[Service]) -> str:
        return f"{operation.label}: {', '.join(service.host for service in rows)}"

    def shown_rows(self, rows: Sequence[Service]) -> Sequence[Any]:
        return _rows_of(rows)

    def page_of(self, row: Service) -> str | None:
        node = getattr(row, "node", None)
        return reverse("admin:servers_computenode_change", args=[node.pk]) if node else None

    def perform(
        self, request: HttpRequest, operation: Any, rows: Sequence[Service], values: Values
    ) -> None:
        for service in rows:
            self._operate(request, operation, service, values)

    def _operate(
        self, request: HttpRequest, operation: HostOperation, service: Service, values: Values
    ) -> None:
        try:
            outcomes = operation.run(partial(operator_of, request), service, values)
        except Fault as fault:
            self.message_user(request, f"{service.host}: {fault.detail}", messages.ERROR)
            return
        text = f"{operation.label}: {service.host}"
        if operation.permission == "servers.change_instance":
            begun = sum(not outcome.refusal for outcome in outcomes)
            text += f", {begun} of {len(outcomes)} servers"
        reason = f" ({values['reason']})" if values.get("reason") else ""
        self.log_change(request, service, f"{text}{reason}: asked for in the admin.")
        self.message_user(request, f"{text}.", messages.SUCCESS)
        for outcome in [outcome for outcome in outcomes if outcome.refusal][:MOST_REFUSALS]:
            told = f"{outcome.instance.display_name}: {outcome.refusal}"
            self.message_user(request, told, messages.ERROR)

    @admin.display(description="state")
    def state_shown(self, service: Service) -> str:
        return _state_of(service)


def _state_of(service: Service) -> str:
    """Up, down or disabled; red is for trouble alone, which a disabled host is not."""
    up = service.is_up
    word = "up" if up else "forced down" if service.forced_down else "down"
    shown = format_html('<span class="state {}">{}</span>', "good" if up else "bad", word)
    disabled = mark_safe(' <span class="state">disabled</span>')
    return format_html("{}{}", shown, disabled if service.disabled else "")


def _rows_of(services: Sequence[Service]) -> list[tuple[Service, str, int, int]]:
    """Each host with its state, the number of its servers, and how many of them move at once."""
    hosts = [service.host for service in services]
    found = Instance.objects.alive().filter(host__in=hosts).order_by()
    numbers = dict(found.values_list("host").annotate(number=Count("pk")))
    return [
        (service, _state_of(service), numbers.get(service.host, 0), MOST_SERVERS)
        for service in services
    ]


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
class ComputeNodeAdmin(RemovableAdmin):
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
    change_form_template = "servers/admin/host.html"
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
        """The host with this key, UUID or name."""
        if not is_key(object_id) and read_uuid(object_id) is None:
            named = Q(hypervisor_hostname=object_id) | Q(service__host=object_id)
            key = ComputeNode.objects.filter(named).order_by("pk").values_list("pk", flat=True)
            object_id = str(key.first() or 0)
        node = super().get_object(request, object_id, from_field)
        if node is not None:
            node.links = Links(request.user)
        return node

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The host with its servers, and what can be done with it."""
        node = self.get_object(request, object_id)
        if node is not None and self.has_view_permission(request, node):
            service = node.service
            service.node = node  # which decides whether it is up
            extra_context = {
                **(extra_context or {}),
                "host_state": _state_of(service),
                "service": service,
                "operations": [
                    operation
                    for operation in HOST_OPERATIONS.values()
                    if operation.fits(service) and request.user.has_perm(operation.permission)
                ],
                "parts": [_servers_part(node.links, service)],
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: ComputeNode, form: Any, change: bool) -> None:
        save_hosts([form.host])
        name = form.host.description.hypervisor_hostname
        obj.pk = ComputeNode.objects.values_list("pk", flat=True).get(hypervisor_hostname=name)
        obj.hypervisor_hostname = name

    def remove(self, row: ComputeNode) -> None:
        """With its service, as the API does."""
        delete_service(row.service)

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


def _servers_part(links: Links, service: Service) -> Part:
    found = servers_of(service) if links.may_view("servers.instance") else Instance.objects.none()
    return rows(
        "Servers on the host",
        ("server", "status", "project", "flavor", "vCPUs", "memory", "age"),
        (
            (
                links.to(server),
                state(server),
                links.to(server.project),
                server.flavor.get("name") or NOTHING,
                server.vcpus,
                gibibytes(server.memory_mb),
                age(server.created_at, units=1),
            )
            for server in found.defer("user_data", "key_data")[:MOST_SERVERS]
        ),
        empty="None.",
    )


@admin.register(Allocation)
class AllocationAdmin(RecordAdmin):
    list_display = ("consumer", "server", "provider", "resource_class", "amount")
    fields = (*list_display, "created_at")
    readonly_fields = ("server",)
    list_select_related = ("consumer__instance", "provider")
    search_fields = ("provider__name__exact",)
    id_fields = ("consumer__uuid", "consumer__instance__uuid")
    search_help_text = "Server id, move id or provider"
    ordering = ("-id",)
    sortable_by = ()
    server = link_to("consumer.instance", "server")

"""Servers in the admin: the list, the page of one server, and what an operator does with them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from compute_site.console.lists import read_uuid, word_filter
from compute_site.console.operator import operator_of
from compute_site.console.read_only import RecordAdmin
from compute_site.console.rule_boxes import RulesAdmin
from compute_site.faults import Fault
from compute_site.waiting.held import can_hold
from servers.actions.console import read_console
from servers.actions.remote_console import TYPES, open_console
from servers.admin.display import NOTHING, Links, age_of, state
from servers.admin.filters import Business, Existence, OnNetwork
from servers.admin.instance_page import find_instance, read_parts
from servers.admin.operation_pages import Operation, OperationsAdmin, Values
from servers.admin.operations import OPERATIONS, Outcome, operate
from servers.models import Instance, VmState
from servers.read.queue import are_workers_up, find_trouble, read_queues

LIST_COLUMNS = (
    *("uuid", "display_name", "vm_state", "task_state", "host", "availability_zone", "created_at"),
    *("network_info", "flavor", "flavor_record", "project__name"),
)
EVENTS = "/compute/v2.1/servers/events?all_tenants=1"
"""Tells the page of a server when to show it anew."""
MOST_AT_ONCE = 200
MOST_CONSOLE_LINES = 1000
SHOWN_ADDRESSES = 2
PROTOCOLS = {kind: protocol for protocol, kinds in TYPES.items() for kind in kinds}
"""The protocol of each type of console."""


@admin.register(Instance)
class InstanceAdmin(OperationsAdmin, RecordAdmin, RulesAdmin):
    """Pages to look at; what operators do with servers goes through ``OPERATIONS``."""

    list_filter = (
        Existence,
        "vm_state",
        Business,
        word_filter("project", "project__name", "project__id"),
        word_filter("user", "user__username", "user__id"),
        word_filter("host", "host", "node"),
        word_filter("zone", "availability_zone"),
        word_filter(
            "flavor", "flavor_record__name", "flavor_record__flavorid", "flavor_record__pk"
        ),
        word_filter("image", "image_ref"),
        OnNetwork,
        "created_at",
    )
    search_fields = ("display_name",)
    search_help_text = "Id, address, or a part of the name"
    ordering = ("-created_at", "-id")
    rules_explained = (
        "A rule ticked here holds on this server alone, also for users of other projects: so a "
        "server is shared. What a role may do with all servers of a project stands on the page "
        "of the project."
    )
    operations = OPERATIONS
    operation_template = "servers/admin/operation.html"
    most_at_once = MOST_AT_ONCE
    list_display_links = None  # the first column is a link of ours, with the id below the name
    age = age_of("created_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Asked for the buttons of operations and for policy rules; there is no form to change a
        server.
        """
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instance]:
        servers: Any = super().get_queryset(request)
        if not request.GET.get("project"):
            servers = servers.in_all_projects()  # the newest are read by an index
        found: QuerySet[Instance] = servers.select_related("project").only(*LIST_COLUMNS)
        return found

    def get_list_display(self, request: HttpRequest) -> Any:
        """The same functions each time that it is asked for a request: Django compares them with
        the columns that can be sorted.
        """
        page: Any = request
        if not hasattr(page, "server_columns"):
            page.server_columns = (*_columns(Links(request.user)), "age")
        return page.server_columns

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Servers", **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        word = search_term.strip()
        return queryset.filter(_match(word)) if word else queryset, False

    def get_urls(self) -> list[URLPattern]:
        log = self.admin_site.admin_view(self.console_log_view)
        console = self.admin_site.admin_view(self.console_view)
        own = [
            path("<int:key>/console-log/", log, name="servers_instance_console_log"),
            path("<int:key>/console/", console, name="servers_instance_console"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Everything of one server."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        instance = find_instance(object_id)
        if instance is None:
            raise Http404(f"There is no server {object_id}.")
        is_busy = instance.task_state is not None or instance.vm_state == VmState.BUILDING
        return self._page(
            request,
            "servers/admin/instance.html",
            title=instance.display_name,
            original=instance,
            state=state(instance),
            operations=self.operations_for(request, instance),
            unretried=_why_not_retried(instance),
            reason=_reason(request, instance),
            parts=read_parts(Links(request.user), instance),
            may_grant=self.may_grant(request),
            has_console=self.has_change_permission(request) and instance.host is not None,
            is_busy=is_busy,
            events=EVENTS if can_hold(request.META) else "",
            trouble=_find_trouble() if is_busy else "",
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Servers are deleted by the operation."""
        url = reverse("admin:servers_instance_operation", args=["delete_servers"])
        return redirect(f"{url}?key={object_id}")

    def find_rows(self, keys: Sequence[str]) -> list[Instance]:
        servers = Instance.objects.filter(pk__in=keys)
        return list(servers.select_related("project", "build_request"))

    def title_of(self, operation: Operation[Any], rows: Sequence[Instance]) -> str:
        return f"{operation.label}: {len(rows)} server{'s'[: len(rows) != 1]}"

    def shown_rows(self, rows: Sequence[Instance]) -> Sequence[Any]:
        return [(instance, state(instance)) for instance in rows]

    def page_of(self, row: Instance) -> str | None:
        return reverse("admin:servers_instance_change", args=[row.pk])

    def perform(
        self, request: HttpRequest, operation: Any, rows: Sequence[Instance], values: Values
    ) -> None:
        outcomes = operate(
            lambda caller, instance: operation.run(caller, instance, values),
            rows,
            partial(operator_of, request),
        )
        self._record(request, operation, outcomes)

    def console_log_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """What the guest wrote on its console, which may hold secrets: so viewing servers is not
        enough.
        """
        instance = self._find_for_console(request, key)
        output, refusal = "", ""
        try:
            output = read_console(instance, MOST_CONSOLE_LINES)
        except Fault as fault:
            refusal = fault.detail
        return self._page(
            request,
            "servers/admin/console_log.html",
            title=f"Console log of {instance.display_name}",
            original=instance,
            output=output,
            refusal=refusal,
            most=MOST_CONSOLE_LINES,
        )

    def console_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Offers the kinds of consoles that the site has proxies for, and opens one (POST)."""
        instance = self._find_for_console(request, key)
        kinds = [str(proxy.get("type")) for proxy in settings.OPTIONS.console_proxies]
        url, refusal, kind = "", "", request.POST.get("kind", "")
        if request.method == "POST":
            try:
                url = open_console(instance, PROTOCOLS.get(kind, kind), kind)
            except Fault as fault:
                refusal = fault.detail
            else:
                self.log_change(request, instance, f"Console opened: {kind}.")
        return self._page(
            request,
            "servers/admin/console.html",
            title=f"Console of {instance.display_name}",
            original=instance,
            kinds=kinds,
            kind=kind,
            url=url,
            refusal=refusal,
            seconds=settings.OPTIONS.console_token_ttl,
        )

    def _find_for_console(self, request: HttpRequest, key: int) -> Instance:
        if not self.has_change_permission(request):
            raise PermissionDenied
        instance = find_instance(str(key))
        if instance is None:
            raise Http404(f"There is no server {key}.")
        return instance

    def _record(
        self, request: HttpRequest, operation: Operation[Any], outcomes: Iterable[Outcome]
    ) -> None:
        """Say what became of each server, and write into the history who did it."""
        done = [outcome.instance for outcome in outcomes if not outcome.refusal]
        for instance in done:
            self.log_change(request, instance, f"{operation.label}: asked for in the admin.")
        if done:
            names = ", ".join(instance.display_name for instance in done[:10])
            more = f" and {len(done) - 10} more" if len(done) > 10 else ""
            self.message_user(request, f"{operation.label}: {names}{more}.", messages.SUCCESS)
        for outcome in outcomes:
            if outcome.refusal:
                text = f"{outcome.instance.display_name}: {outcome.refusal}"
                self.message_user(request, text, messages.ERROR)

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,  # noqa: SLF001 - Django's own name for it
            "media": self.media,
            "may_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, template, {**shared, **context})


def _columns(links: Links) -> list[Callable[[Instance], str]]:
    """Columns with links, for one user."""

    @admin.display(description="server", ordering="display_name")
    def server(instance: Instance) -> str:
        url = reverse("admin:servers_instance_change", args=[instance.pk])
        return format_html(
            '<a href="{}">{}</a><div class="mono id">{}</div>',
            *(url, instance.display_name, instance.uuid),
        )

    @admin.display(description="status", ordering="vm_state")
    def status(instance: Instance) -> str:
        return state(instance)

    @admin.display(description="project", ordering="project__name")
    def project(instance: Instance) -> str:
        return links.to(instance.project)

    @admin.display(description="host, zone", ordering="host")
    def host(instance: Instance) -> str:
        place = links.to_host(instance.host)
        zone = instance.availability_zone or ""
        return format_html('{}<div class="quiet">{}</div>', place if instance.host else "", zone)

    @admin.display(description="flavor")
    def flavor(instance: Instance) -> str:
        key = instance.flavor_record_id
        return (
            links.named("flavors.flavor", key, instance.flavor["name"])
            if key
            else str(instance.flavor["name"])
        )

    @admin.display(description="addresses")
    def addresses(instance: Instance) -> str:
        found = [pair[0] for nic in instance.network_info for pair in nic.get("addresses", ())]
        more = f" +{len(found) - SHOWN_ADDRESSES}" if len(found) > SHOWN_ADDRESSES else ""
        return ", ".join(found[:SHOWN_ADDRESSES]) + more or NOTHING

    return [server, status, project, host, flavor, addresses]


def _match(word: str) -> Q:
    """A word is an id or an address, where it looks like one, or else a part of a name."""
    if (server_id := read_uuid(word)) is not None:
        return Q(uuid=server_id)
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        return Q(display_name__icontains=word)
    on_nic = Q(network_info__contains=[{"addresses": [[str(address)]]}])
    found = on_nic | Q(**{f"access_ip_v{address.version}": str(address)})
    keys = Instance.objects.filter(found).order_by().values_list("pk", flat=True)
    return Q(pk__in=list(keys[:MOST_AT_ONCE]))  # read once, to be counted and shown


def _reason(request: HttpRequest, instance: Instance) -> str:
    """Why a server is in error, for who may see faults."""
    if instance.vm_state != VmState.ERROR or not request.user.has_perm("servers.view_serverfault"):
        return ""
    fault = instance.faults.order_by("-created_at", "-pk").first()
    return fault.message if fault else ""


def _find_trouble() -> str:
    """Why a server that waits for workers may wait in vain."""
    return find_trouble(read_queues(), workers_up=are_workers_up())


def _why_not_retried(instance: Instance) -> str:
    """Why a server in error has no button to build it again."""
    if instance.vm_state != "error" or hasattr(instance, "kept_request"):
        return ""
    return (
        "The build cannot be tried again: the server was on a host, and what only the build needs "
        "(networks, files, password) is gone. Delete it and create another one."
    )

"""Aggregates in the admin; all changes go through ``servers.hosts.aggregates``."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from compute_site.faults import Fault
from servers.admin.display import structure_of
from servers.admin.read_only import RecordAdmin
from servers.hosts.aggregates import (
    AggregateUpdate,
    add_host,
    create_aggregate,
    delete_aggregate,
    remove_host,
    update_aggregate,
)
from servers.models import Aggregate


class AggregateForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name, zone and hosts."""

    zone = forms.CharField(
        required=False, max_length=255, help_text="With a zone, its hosts are in that zone."
    )

    class Meta:
        model = Aggregate
        fields = ("name", "hosts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["zone"] = self.instance.availability_zone or ""


@admin.register(Aggregate)
class AggregateAdmin(RecordAdmin):
    form = AggregateForm
    counted = "hosts"
    list_display = ("name", "uuid", "availability_zone", "host_count", "more")
    search_fields = ("name", "metadata__availability_zone", "hosts__host")
    id_fields = ("uuid",)
    search_help_text = "Name, id, zone or host"
    ordering = ("name",)
    more = structure_of("metadata")
    fields = ("name", "zone", "hosts", "more", "uuid", "created_at", "updated_at")
    readonly_fields = ("more", "uuid", "created_at", "updated_at")
    autocomplete_fields = ("hosts",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_fields(self, request: HttpRequest, obj: Aggregate | None = None) -> Any:
        return self.fields if obj else self.fields[:3]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Fault as fault:  # nothing was changed: the view runs in a transaction
            self.message_user(request, fault.detail, messages.ERROR)
            return redirect(request.path)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().delete_view(request, *args, **kwargs)
        except Fault as fault:
            self.message_user(request, fault.detail, messages.ERROR)
            return redirect("admin:servers_aggregate_changelist")

    def save_model(self, request: HttpRequest, obj: Aggregate, form: Any, change: bool) -> None:
        zone = form.cleaned_data["zone"] or None
        if not change:
            obj.pk = create_aggregate(obj.name, zone).pk
            return
        update = AggregateUpdate(
            name=obj.name if "name" in form.changed_data else None,
            names_zone="zone" in form.changed_data,
            zone=zone,
        )
        update_aggregate(obj.pk, update)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = set(
            Aggregate.hosts.through.objects.filter(aggregate=form.instance.pk).values_list(
                "service__host", flat=True
            )
        )
        wanted = {service.host for service in form.cleaned_data["hosts"]}
        for host in sorted(before - wanted):
            remove_host(form.instance.pk, host)
        for host in sorted(wanted - before):
            add_host(form.instance.pk, host)

    def delete_model(self, request: HttpRequest, obj: Aggregate) -> None:
        delete_aggregate(obj.pk)

    @admin.display(description="hosts")
    def host_count(self, aggregate: Any) -> int:
        return self.count_for(aggregate)

"""Aggregates in the admin; all changes go through ``servers.hosts.aggregates``."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from servers.admin.display import structure_of
from servers.admin.writable import RemovableAdmin
from servers.hosts.aggregates import (
    ZONE,
    AggregateUpdate,
    add_host,
    create_aggregate,
    delete_aggregate,
    remove_host,
    set_metadata,
    update_aggregate,
)
from servers.models import Aggregate

NAME, LONGEST = re.compile(r"[a-zA-Z0-9_:. -]{1,255}"), 255


class AggregateForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name, zone, hosts, and the rest of the metadata."""

    zone = forms.CharField(
        required=False, max_length=255, help_text="With a zone, its hosts are in that zone."
    )
    more = forms.CharField(
        label="metadata",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60}),
        help_text="An item a line, such as ssd=true. Rules and weights of the scheduler read them.",
    )

    class Meta:
        model = Aggregate
        fields = ("name", "hosts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["zone"] = self.instance.availability_zone or ""
        self.initial["more"] = "\n".join(
            f"{name}={value}"
            for name, value in sorted(self.instance.metadata.items())
            if name != ZONE
        )

    def clean_more(self) -> dict[str, str]:
        """Items as the API takes them."""
        items = {}
        for line in self.cleaned_data["more"].splitlines():
            name, equals, value = (part.strip() for part in line.partition("="))
            if not line.strip():
                continue
            if not (equals and NAME.fullmatch(name)) or name == ZONE or len(value) > LONGEST:
                raise ValidationError(
                    f"{line[:60]!r} is no item: give NAME=VALUE, of letters, digits, spaces and "
                    f"-_:. and up to {LONGEST} characters each; the zone has a field of its own."
                )
            if name in items:
                raise ValidationError(f"{name[:60]!r} stands there twice.")
            items[name] = value
        return items


@admin.register(Aggregate)
class AggregateAdmin(RemovableAdmin):
    form = AggregateForm
    counted = "hosts"
    list_display = ("name", "uuid", "availability_zone", "host_count", "metadata")
    search_fields = ("name", "metadata__availability_zone", "hosts__host")
    id_fields = ("uuid",)
    search_help_text = "Name, id, zone or host"
    ordering = ("name",)
    metadata = structure_of("metadata")
    fields = ("name", "zone", "hosts", "more", "uuid", "created_at", "updated_at")
    readonly_fields = ("uuid", "created_at", "updated_at")
    autocomplete_fields = ("hosts",)

    def get_fields(self, request: HttpRequest, obj: Aggregate | None = None) -> Any:
        return self.fields if obj else self.fields[:4]

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
        kept = {name for name in form.instance.metadata if name != ZONE}
        items = form.cleaned_data["more"]
        if "more" in form.changed_data:
            set_metadata(form.instance.pk, {**dict.fromkeys(kept), **items})

    def remove(self, row: Aggregate) -> None:
        delete_aggregate(row.pk)

    @admin.display(description="hosts")
    def host_count(self, aggregate: Any) -> int:
        return self.count_for(aggregate)

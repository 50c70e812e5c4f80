"""Flavors in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from compute_site.console.form_fields import RowSelects
from compute_site.console.lists import ListAdmin
from flavors.changes import (
    clone_flavor,
    close_flavor,
    delete_flavors,
    disable_flavors,
    open_flavor,
    save_flavor,
)
from flavors.forms import FlavorForm
from flavors.models import Flavor, FlavorAccess

MOST_CLONES = 20


class HasExtraSpecs(admin.SimpleListFilter):
    """Flavors with extra specs, or without."""

    title = "extra specs"
    parameter_name = "extra_specs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "With"), ("no", "Without")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Flavor]) -> QuerySet[Flavor]:
        if self.value() is None:
            return queryset
        without = Q(extra_specs={})
        return queryset.filter(without if self.value() == "no" else ~without)


class AccessInline(RowSelects, admin.TabularInline):  # type: ignore[type-arg]
    """The projects that may use a private flavor."""

    model = FlavorAccess
    autocomplete_fields = ("project",)
    extra = 1
    verbose_name_plural = "open to these projects (where the flavor is not public)"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # access is only given and taken


@admin.register(Flavor)
class FlavorAdmin(ListAdmin):
    """All changes go through ``flavors.changes``."""

    form = FlavorForm
    servers_by = "flavor"
    counted = "instances"
    counted_where = {"instances__deleted_at__isnull": True}
    inlines = (AccessInline,)
    list_display = (
        "name",
        "flavorid",
        "vcpus",
        "memory",
        "root",
        "ephemeral",
        "swap_size",
        "is_public",
        "enabled",
        "specs",
        "servers",
    )
    list_filter = ("is_public", "disabled", HasExtraSpecs)
    search_fields = ("name", "flavorid", "description")
    ordering = ("name",)
    actions = ("clone", "disable", "enable")
    readonly_fields = ("servers", "created_at", "updated_at")
    change_form_template = "flavors/change_form.html"
    fieldsets = (
        (None, {"fields": ("name", "flavorid", "description")}),
        (
            "Size",
            {
                "fields": (
                    ("vcpus", "memory_mb"),
                    ("root_gb", "ephemeral_gb", "swap"),
                    "rxtx_factor",
                ),
                "description": "Servers that exist keep the size they were made with.",
            },
        ),
        ("Offer", {"fields": (("is_public", "disabled"),)}),
        ("Extra specs", {"fields": ("extra_specs",)}),
        ("State", {"fields": ("servers", ("created_at", "updated_at"))}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Flavor | None = None) -> Any:
        return (*self.readonly_fields, "flavorid") if obj else self.readonly_fields

    def get_fieldsets(self, request: HttpRequest, obj: Flavor | None = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:-1]

    def save_model(self, request: HttpRequest, obj: Flavor, form: Any, change: bool) -> None:
        save_flavor(obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        added = formset.save(commit=False)
        for access in formset.deleted_objects:
            close_flavor(access.flavor, access.project_id)
        for access in added:
            open_flavor(access.flavor, access.project_id, public_too=True)

    def delete_model(self, request: HttpRequest, obj: Flavor) -> None:
        delete_flavors([obj.flavorid])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Flavor]) -> None:
        delete_flavors(_ids(queryset))

    @admin.display(description="memory", ordering="memory_mb")
    def memory(self, flavor: Flavor) -> str:
        return _mebibytes(flavor.memory_mb)

    @admin.display(description="root", ordering="root_gb")
    def root(self, flavor: Flavor) -> str:
        return f"{flavor.root_gb} GiB" if flavor.root_gb else "–"

    @admin.display(description="ephemeral", ordering="ephemeral_gb")
    def ephemeral(self, flavor: Flavor) -> str:
        return f"{flavor.ephemeral_gb} GiB" if flavor.ephemeral_gb else "–"

    @admin.display(description="swap", ordering="swap")
    def swap_size(self, flavor: Flavor) -> str:
        return _mebibytes(flavor.swap) if flavor.swap else "–"

    @admin.display(description="enabled", boolean=True, ordering="disabled")
    def enabled(self, flavor: Flavor) -> bool:
        return not flavor.disabled

    @admin.display(description="specs")
    def specs(self, flavor: Flavor) -> str:
        return str(len(flavor.extra_specs)) if flavor.extra_specs else "–"

    @admin.display(description="servers")
    def servers(self, flavor: Flavor) -> str:
        count = self.count_for(flavor)
        if not count:
            return "0"
        url = reverse("admin:servers_instance_changelist")
        return format_html('<a href="{}?flavor={}">{}</a>', url, flavor.flavorid, count)

    @admin.action(description="Clone", permissions=["add"])
    def clone(self, request: HttpRequest, queryset: QuerySet[Flavor]) -> HttpResponse | None:
        clones = [clone_flavor(flavor) for flavor in queryset[:MOST_CLONES]]
        for clone in clones:
            self.log_addition(request, clone, "Cloned.")
        self.message_user(request, f"Made {', '.join(clone.name for clone in clones)}.")
        return redirect("admin:flavors_flavor_change", clones[0].pk) if len(clones) == 1 else None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.clone_view))
        return [path("<int:key>/clone/", view, name="flavors_flavor_clone"), *super().get_urls()]

    def clone_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Copies the flavor and opens the page of the copy."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        get_object_or_404(Flavor, pk=key)
        answer = self.clone(request, Flavor.objects.filter(pk=key))
        return answer or redirect("admin:flavors_flavor_changelist")

    @admin.action(description="Disable: no new servers", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Flavor]) -> None:
        self._disable(request, queryset, disabled=True)

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Flavor]) -> None:
        self._disable(request, queryset, disabled=False)

    def _disable(self, request: HttpRequest, queryset: QuerySet[Flavor], *, disabled: bool) -> None:
        word = "disabled" if disabled else "enabled"
        flavors = list(queryset)
        count = disable_flavors([flavor.flavorid for flavor in flavors], disabled=disabled)
        for flavor in flavors:
            self.log_change(request, flavor, f"It is {word}.")
        self.message_user(request, f"{count} flavors are {word}.", messages.SUCCESS)


def _ids(flavors: QuerySet[Flavor]) -> list[str]:
    return list(flavors.values_list("flavorid", flat=True))


def _mebibytes(amount: int) -> str:
    return f"{amount // 1024} GiB" if amount and amount % 1024 == 0 else f"{amount} MiB"

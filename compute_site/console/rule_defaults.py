"""The page with the default roles of policy rules in projects that are made from now on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from compute_site.console.lists import ListAdmin
from compute_site.console.operator import is_superuser
from compute_site.identity.models import Role
from compute_site.policy.models import RuleDefault
from compute_site.policy.rules import registry


@admin.register(RuleDefault)
class RuleDefaultAdmin(ListAdmin):
    """A line for each rule. Only superusers may change them."""

    list_display = ("rule", "allows", "requests", "declared", "role")
    list_editable = ("role",)
    list_filter = ("role",)
    list_per_page = 100
    search_fields = ("rule",)
    search_help_text = "Part of the rule's name"
    ordering = ("rule",)
    sortable_by = ("rule",)
    fields = ("rule", "allows", "requests", "declared", "role")
    readonly_fields = ("rule", "allows", "requests", "declared")
    actions: Any = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleDefault]:
        """Leaves out rules that only an earlier release had."""
        return super().get_queryset(request).filter(rule__in=list(registry.names))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RuleDefault | None = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: RuleDefault | None = None) -> bool:
        return False

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["choices"] = [("", "as declared"), *Role.choices]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    @admin.display(description="it allows to")
    def allows(self, row: RuleDefault) -> str:
        return registry[row.rule].description

    @admin.display
    def requests(self, row: RuleDefault) -> str:
        operations = registry[row.rule].operations
        return format_html_join("", "<div>{}</div>", ((operation,) for operation in operations))

    @admin.display(description="declared for")
    def declared(self, row: RuleDefault) -> str:
        return registry[row.rule].role.value

"""Groups in the admin: their role and project, and the rules that they hold in every project."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

from compute_site.console.lists import ListAdmin, word_filter
from compute_site.console.operator import is_superuser
from compute_site.console.rule_boxes import BoxTable, by_noun, link_to_rules, rule_choices
from compute_site.identity.models import Project, ProjectRole, WideRole
from compute_site.policy.granted import every_rule, guarded_types


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]
    """A group's permissions: policy rules, shown as checkboxes, and rights in the admin site."""

    everywhere = forms.MultipleChoiceField(required=False, widget=BoxTable, label="Rules")

    class Meta:
        model = Group
        fields = ("name", "permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = rule_choices(Project)
        self.fields["everywhere"].choices = by_noun(choices)  # type: ignore[attr-defined]
        self.rules = Permission.objects.filter(
            content_type=ContentType.objects.get_for_model(Project),
            codename__in=[name for name, _ in choices],
        )
        if self.instance.pk:
            held = self.rules.filter(group=self.instance)
            self.initial["everywhere"] = list(held.values_list("codename", flat=True))
        rights = self.fields.get("permissions")
        if rights is None:
            return  # the form is read-only
        rights.queryset = rights.queryset.exclude(  # type: ignore[attr-defined]
            content_type__in=guarded_types(), codename__in=every_rule()
        )

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        chosen = self.rules.filter(codename__in=self.cleaned_data["everywhere"])
        self.instance.permissions.add(*chosen)


admin.site.unregister(Group)


@admin.register(Group)
class SiteGroupAdmin(ListAdmin, GroupAdmin):  # type: ignore[misc] # Django's stubs differ
    """The groups of the projects' roles, and other groups that operators have made."""

    form = GroupForm
    counted = "user"
    list_display = ("name", "project", "role", "users", "rules")
    list_filter = (word_filter("role", "project_role__role"),)
    list_select_related = ("project_role__project", "wide_role__domain")
    search_fields = ("name",)
    readonly_fields = ("project", "role", "rules")
    fieldsets = (
        (None, {"fields": ("name", "project", "role", "rules")}),
        ("Rules that hold in every project", {"fields": ("everywhere",)}),
        ("Rights in the admin site", {"fields": ("permissions",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """Shows the checkboxes only to operators who may change them."""
        return self.fieldsets if self.has_change_permission(request, obj) else self.fieldsets[:1]

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """The name of a role's group is fixed: it is made from the project's name."""
        return (*self.readonly_fields, "name") if role_of(obj) else self.readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only superusers: groups can give rights to everybody, also to staff."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Not the group of a role in a domain or on the system, in which nobody is: its rules stand
        on the page of the domain or the system.
        """
        return is_superuser(request) and not isinstance(role_of(obj), WideRole)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Only superusers: the members lose the rights of a deleted group."""
        return role_of(obj) is None and is_superuser(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Protects the groups of roles, which are deleted only with their project."""
        deleted, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        protected = [*protected, *(str(group) for group in objs if role_of(group))]
        return deleted, counts, perms_needed, protected

    @admin.display(ordering="project_role__project__name")
    def project(self, group: Group) -> str:
        entry = role_of(group)
        return entry.project.name if isinstance(entry, ProjectRole) else "–"

    @admin.display(ordering="project_role__role")
    def role(self, group: Group) -> str:
        entry = role_of(group)
        return entry.role if entry else "–"

    @admin.display
    def users(self, group: Group) -> int:
        return self.count_for(group)

    @admin.display(description="policy rules")
    def rules(self, group: Group) -> str:
        entry = role_of(group)
        return link_to_rules(entry) if entry else "–"


def role_of(group: Group | None) -> ProjectRole | WideRole | None:
    """The role of the group; ``None`` for a group that operators have made."""
    return getattr(group, "project_role", None) or getattr(group, "wide_role", None)

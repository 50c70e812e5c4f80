"""The admin's pages on which policy rules are ticked: for one group or user, on one object."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from guardian.admin import GuardedModelAdminMixin
from guardian.forms import GroupObjectPermissionsForm, UserObjectPermissionsForm

from compute_site.identity.models import ProjectRole, Role
from compute_site.policy.rules import registry

Choice = tuple[str, str]


class BoxTable(forms.CheckboxSelectMultiple):
    """A table of boxes: rule and description."""

    template_name = "policy/rule_boxes.html"
    option_template_name = "django/forms/widgets/input.html"


class RuleBoxes:
    """One box a rule, in groups by the noun of the rule's name."""

    obj: Model

    def get_obj_perms_field_choices(self) -> list[Choice]:
        return rule_choices(type(self.obj))

    def get_obj_perms_field(self) -> forms.Field:
        field: forms.MultipleChoiceField = super().get_obj_perms_field()  # type: ignore[misc]
        field.choices = by_noun(self.get_obj_perms_field_choices())
        return field

    def get_obj_perms_field_widget(self) -> type[forms.Widget]:
        return BoxTable

    def get_obj_perms_field_label(self) -> str:
        return "Rules"


class GroupRulesForm(RuleBoxes, GroupObjectPermissionsForm):
    """The rules that a group holds on the object."""


class UserRulesForm(RuleBoxes, UserObjectPermissionsForm):
    """The rules that a single user holds on the object."""


class RulesAdmin(GuardedModelAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin whose objects have a page with their rules (the button *Policy rules*)."""

    change_form_template = "policy/change_form.html"  # type: ignore[misc]

    def get_obj_perms_manage_group_form(self, request: HttpRequest) -> type[forms.Form]:
        return GroupRulesForm

    def get_obj_perms_manage_user_form(self, request: HttpRequest) -> type[forms.Form]:
        return UserRulesForm

    def get_obj_perms_base_context(self, request: HttpRequest, obj: Model) -> dict[str, Any]:
        """guardian's overview has a column a rule; with a hundred rules nobody could read it."""
        context = super().get_obj_perms_base_context(request, obj)  # type: ignore[no-untyped-call]
        return {**context, "model_perms": (), "title": f"Policy rules on {obj}"}


def rule_choices(model: type[Model]) -> list[Choice]:
    """The rules that can be granted on objects of the model, with their descriptions."""
    content_type = ContentType.objects.get_for_model(model)
    permissions = Permission.objects.filter(content_type=content_type).order_by("codename")
    return [
        (name, label.removeprefix(f"{name} — "))
        for name, label in permissions.values_list("codename", "name")
        if name in registry
    ]


def by_noun(choices: list[Choice]) -> list[tuple[str, list[Choice]]]:
    """The choices in groups."""
    nouns: dict[str, list[Choice]] = {}
    for name, label in choices:
        nouns.setdefault(noun_of(name), []).append((name, label))
    return sorted(nouns.items())


def noun_of(name: str) -> str:
    """``servers`` for ``os_compute_api:servers:create``."""
    head, _, rest = name.partition(":")
    return rest.partition(":")[0] if head == "os_compute_api" else head


def link_to_rules(entry: ProjectRole) -> str:
    """Where to tick the rules of a role: an admin's hold in every project, so they stand on the
    group.
    """
    if entry.role == Role.ADMIN:
        url = reverse("admin:auth_group_change", args=[entry.group_id])
        return format_html('<a href="{}">rules in every project</a>', url)
    url = reverse(
        "admin:identity_project_permissions_manage_group", args=[entry.project_id, entry.group_id]
    )
    return format_html('<a href="{}">rules in this project</a>', url)

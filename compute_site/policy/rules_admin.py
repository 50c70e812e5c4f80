"""The admin's pages on which policy rules are ticked: for one group or user, on one object."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from guardian.admin import GuardedModelAdminMixin
from guardian.forms import GroupObjectPermissionsForm, UserObjectPermissionsForm

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
        content_type = ContentType.objects.get_for_model(type(self.obj))
        permissions = Permission.objects.filter(content_type=content_type).order_by("codename")
        choices = permissions.values_list("codename", "name")
        return [
            (name, label.removeprefix(f"{name} — ")) for name, label in choices if name in registry
        ]

    def get_obj_perms_field(self) -> forms.Field:
        field: forms.MultipleChoiceField = super().get_obj_perms_field()  # type: ignore[misc]
        nouns: dict[str, list[Choice]] = {}
        for name, label in self.get_obj_perms_field_choices():
            nouns.setdefault(noun_of(name), []).append((name, label))
        field.choices = sorted(nouns.items())
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


def noun_of(name: str) -> str:
    """``servers`` for ``os_compute_api:servers:create``."""
    head, _, rest = name.partition(":")
    return rest.partition(":")[0] if head == "os_compute_api" else head

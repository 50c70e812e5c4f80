"""The admin's pages that grant policy rules on one object to one group or user, by checkboxes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from functools import cached_property, partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.aggregates import ArrayAgg
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from guardian.admin import GroupManage, GuardedModelAdminMixin, UserManage
from guardian.forms import GroupObjectPermissionsForm, UserObjectPermissionsForm
from guardian.models import GroupObjectPermission, UserObjectPermission

from compute_site.console.operator import is_superuser
from compute_site.identity.models import Domain, ProjectRole, Role, System, User, WideRole
from compute_site.policy.backend import rules_held
from compute_site.policy.grants import rules_on_place, set_rules_of_user
from compute_site.policy.rights import Rights, rights_of, rights_of_group
from compute_site.policy.rules import registry

Choice = tuple[str, str]
MOST_HOLDERS = 200
SHOWN_RULES = 4
GRANT_TO_USERS = "guardian.change_userobjectpermission"
GRANT_TO_GROUPS = "guardian.change_groupobjectpermission"
"""Django's permissions to tick rules: whoever may, decides what others may do."""


class BoxTable(forms.CheckboxSelectMultiple):
    """A table of checkboxes: rule, description, the requests it guards, its default role."""

    template_name = "policy/rule_boxes.html"
    option_template_name = "django/forms/widgets/input.html"
    fixed: Collection[str] = ()
    """Rules whose boxes cannot be changed."""

    @cached_property
    def defaults(self) -> dict[str, Role]:
        """The smallest role that holds each rule by default."""
        return {rule.name: rule.role for rule in registry}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if value in self.fixed:
            option["attrs"]["disabled"] = True
        return {**option, "rule": registry[value], "role": self.defaults.get(value, "nobody")}


class RuleBoxes:
    """A checkbox for each rule, in groups by the noun of the rule's name.

    An operator may change only rules that the operator holds on the object, and may not take rules
    from a user or group with more rights than the operator.
    """

    obj: Model
    cleaned_data: dict[str, Any]

    def __init__(self, *args: Any, operator: User, **kwargs: Any) -> None:
        self.operator = operator
        super().__init__(*args, **kwargs)

    def rights_of_holder(self) -> Rights:
        """The rights of the user or group that the form is about."""
        raise NotImplementedError

    def clean_permissions(self) -> list[str]:
        chosen = set(self.cleaned_data["permissions"])
        held = set(self.get_obj_perms_field_initial())  # type: ignore[attr-defined]
        foreign = sorted(chosen - held - self.changeable)
        if foreign:
            raise forms.ValidationError(
                f"You do not hold these rules here, and cannot grant them: {', '.join(foreign)}."
            )
        own = rights_of([self.operator.pk])[self.operator.pk]
        if (held & self.changeable) - chosen and not own.cover(self.rights_of_holder()):
            raise forms.ValidationError("You take no rule from who has more rights than you have.")
        return sorted(chosen | (held - self.changeable))

    @cached_property
    def changeable(self) -> frozenset[str]:
        """Rules that the operator holds on the object."""
        return rules_held(self.operator, self.obj)

    def get_obj_perms_field_choices(self) -> list[Choice]:
        return rule_choices(type(self.obj))

    def get_obj_perms_field(self) -> forms.Field:
        field: forms.MultipleChoiceField = super().get_obj_perms_field()  # type: ignore[misc]
        field.choices = by_noun(self.get_obj_perms_field_choices())
        names = {name for name, _ in self.get_obj_perms_field_choices()}
        field.widget.fixed = names - self.changeable
        if isinstance(self.obj, (Domain, System)):
            field.widget.defaults = rules_on_place(type(self.obj))
        return field

    def get_obj_perms_field_widget(self) -> type[forms.Widget]:
        return BoxTable

    def get_obj_perms_field_label(self) -> str:
        return "Rules"


class GroupRulesForm(RuleBoxes, GroupObjectPermissionsForm):
    """The rules that a group holds on the object."""

    def rights_of_holder(self) -> Rights:
        return rights_of_group(self.group)


class UserRulesForm(RuleBoxes, UserObjectPermissionsForm):
    """The rules that a single user holds on the object."""

    def rights_of_holder(self) -> Rights:
        return rights_of([self.user.pk])[self.user.pk]

    def save_obj_perms(self) -> None:
        set_rules_of_user(self.obj, self.user, self.cleaned_data["permissions"])


class UserChoice(UserManage):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].label = "Name of a user"
        self.fields["user"].help_text = ""


class GroupChoice(GroupManage):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].label = "Name of a group"
        self.fields["group"].help_text = "Such as demo/member."


class PlaceGroupChoice(GroupChoice):
    """Of groups that can hold rules in a domain or on the system."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].help_text = "Such as “domain default: manager” or “system: reader”."

    def clean_group(self) -> Group:
        group: Group = super().clean_group()  # type: ignore[no-untyped-call]
        if ProjectRole.objects.filter(group=group).exists():
            raise forms.ValidationError("The groups of roles in projects hold rules there alone.")
        return group


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """A user or group with rules on an object."""

    key: Any
    name: str
    rules: list[str]

    @property
    def first(self) -> list[str]:
        return self.rules[:SHOWN_RULES]

    @property
    def more(self) -> int:
        return max(0, len(self.rules) - SHOWN_RULES)


class RulesAdmin(GuardedModelAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin whose objects have a page with their rules (the button *Policy rules*).

    Its pages are for those who may change the object and grants of rules.
    """

    change_form_template = "policy/change_form.html"  # type: ignore[misc]
    obj_perms_manage_template = "policy/object_rules.html"
    obj_perms_manage_user_template = "policy/rules_of_one.html"
    obj_perms_manage_group_template = "policy/rules_of_one.html"
    rules_explained = ""

    def may_grant(self, request: HttpRequest, *permissions: str) -> bool:
        """May the operator grant rules (to users, to groups, to either)?"""
        wanted = permissions or (GRANT_TO_USERS, GRANT_TO_GROUPS)
        allowed: bool = admin.ModelAdmin.has_change_permission(self, request)
        return allowed and any(request.user.has_perm(name) for name in wanted)

    def get_obj_perms_manage_group_form(self, request: HttpRequest) -> Any:
        return partial(GroupRulesForm, operator=cast("User", request.user))

    def get_obj_perms_manage_user_form(self, request: HttpRequest) -> Any:
        return partial(UserRulesForm, operator=cast("User", request.user))

    def get_obj_perms_user_select_form(self, request: HttpRequest) -> type[forms.Form]:
        return UserChoice

    def get_obj_perms_group_select_form(self, request: HttpRequest) -> type[forms.Form]:
        return GroupChoice

    def get_obj_perms_base_context(self, request: HttpRequest, obj: Model) -> dict[str, Any]:
        """Replaces guardian's overview, whose column for each rule is unreadable with a hundred
        rules.
        """
        context = super().get_obj_perms_base_context(request, obj)  # type: ignore[no-untyped-call]
        return {
            **context,
            "model_perms": (),
            "title": f"Policy rules on {obj}",
            "explained": self.rules_explained,
            "for_users": self.may_grant(request, GRANT_TO_USERS),
            "for_groups": self.may_grant(request, GRANT_TO_GROUPS),
            "holders": lambda: _holders(UserObjectPermission, "user", "username", obj),
            "groups": lambda: _holders(GroupObjectPermission, "group", "name", obj),
        }

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_grant"] = self.may_grant(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def obj_perms_manage_view(self, request: HttpRequest, object_pk: str) -> HttpResponse:
        self._check_grant(request)
        return super().obj_perms_manage_view(request, object_pk)  # type: ignore[no-untyped-call,no-any-return]

    def obj_perms_manage_user_view(
        self, request: HttpRequest, object_pk: str, user_id: str
    ) -> HttpResponse:
        self._check_grant(request, GRANT_TO_USERS)
        answer = super().obj_perms_manage_user_view(request, object_pk, user_id)  # type: ignore[no-untyped-call]
        self._note(request, object_pk, f"Policy rules of the user {user_id} set.", answer)
        return answer  # type: ignore[no-any-return]

    def obj_perms_manage_group_view(
        self, request: HttpRequest, object_pk: str, group_id: str
    ) -> HttpResponse:
        self._check_grant(request, GRANT_TO_GROUPS)
        answer = super().obj_perms_manage_group_view(request, object_pk, group_id)  # type: ignore[no-untyped-call]
        self._note(request, object_pk, f"Policy rules of the group {group_id} set.", answer)
        return answer  # type: ignore[no-any-return]

    def _check_grant(self, request: HttpRequest, *permissions: str) -> None:
        if not self.may_grant(request, *permissions):
            raise PermissionDenied

    def _note(self, request: HttpRequest, key: str, text: str, answer: HttpResponse) -> None:
        """Log the saved change in the object's admin history."""
        if request.method == "POST" and answer.status_code == 302:
            self.log_change(request, self.model._default_manager.get(pk=key), text)  # noqa: SLF001


def _holders(model: Any, who: str, name: str, obj: Model) -> list[Holder]:
    """The users or groups with rules on the object; one statement."""
    rows = model.objects.filter(
        content_type=ContentType.objects.get_for_model(obj), object_pk=str(obj.pk)
    )
    held = (
        rows.values(key=F(f"{who}_id"), name=F(f"{who}__{name}"))
        .annotate(rules=ArrayAgg("permission__codename", order_by="permission__codename"))
        .order_by("name")
    )
    return [Holder(row["key"], row["name"], row["rules"]) for row in held[:MOST_HOLDERS]]


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
        nouns.setdefault(registry[name].noun or noun_of(name), []).append((name, label))
    return sorted(nouns.items())


def noun_of(name: str) -> str:
    """``servers`` for ``os_compute_api:servers:create``."""
    head, _, rest = name.partition(":")
    return rest.partition(":")[0] if head in ("os_compute_api", "compute_site") else head


class PlaceRulesAdmin(RulesAdmin):
    """Rules on a domain or on the system: superusers alone grant them."""

    def may_grant(self, request: HttpRequest, *permissions: str) -> bool:
        return is_superuser(request)

    def get_obj_perms_group_select_form(self, request: HttpRequest) -> type[forms.Form]:
        return PlaceGroupChoice

    def obj_perms_manage_group_view(
        self, request: HttpRequest, object_pk: str, group_id: str
    ) -> HttpResponse:
        """The group of a role elsewhere would hold nothing here."""
        if not group_id.isdecimal():
            raise Http404
        key = int(group_id)
        here = Q(domain=None) if self.model is System else Q(domain=object_pk)
        in_projects = ProjectRole.objects.filter(group=key)
        elsewhere = WideRole.objects.filter(group=key).exclude(here)
        if in_projects.exists() or elsewhere.exists():
            raise Http404
        return super().obj_perms_manage_group_view(request, object_pk, group_id)


def link_to_rules(entry: ProjectRole | WideRole) -> str:
    """A link to the page with the rules of a role. Those of ``admin`` hold in every project, so
    that they are on the page of its group.
    """
    if isinstance(entry, WideRole):
        kind, key = ("domain", entry.domain_id) if entry.domain_id else ("system", System.KEY)
        page = f"admin:identity_{kind}_permissions_manage_group"
        where = "in this domain" if entry.domain_id else "on the system"
        url = reverse(page, args=[key, entry.group_id])
        return format_html('<a href="{}">rules {}</a>', url, where)
    if entry.role == Role.ADMIN:
        url = reverse("admin:auth_group_change", args=[entry.group_id])
        return format_html('<a href="{}">rules in every project</a>', url)
    url = reverse(
        "admin:identity_project_permissions_manage_group", args=[entry.project_id, entry.group_id]
    )
    return format_html('<a href="{}">rules in this project</a>', url)

"""Projects with their roles, users, tokens and application credentials in the admin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import CASCADE, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from compute_site.console.form_fields import RowSelectMultiple
from compute_site.console.lists import ListAdmin, word_filter
from compute_site.console.operator import is_superuser
from compute_site.console.rule_boxes import RulesAdmin, link_to_rules
from compute_site.faults import Fault
from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.errors import StillInUse
from compute_site.identity.leaving import find_hindrance, find_obstacles, remove_owner
from compute_site.identity.lockout import describe_failures, unlock
from compute_site.identity.lost_roles import end_lost_roles
from compute_site.identity.models import (
    ApplicationCredential,
    Domain,
    Project,
    ProjectRole,
    Role,
    Token,
    User,
)
from compute_site.identity.projects import placed
from compute_site.identity.tags import tag_list
from compute_site.identity.tokens import sign_out
from compute_site.policy.granted import every_rule, guarded_types
from compute_site.policy.rights import Rights, find_beyond, rights_of
from compute_site.values.keys import WrongValue

MEMBERSHIP_USER = User.groups.through._meta.get_field("user")  # noqa: SLF001 - the way to a field
SHOWN_MEMBERS = 20
MOST_COUNTED = 1000
MOST_OBSTACLES = 20
"""Rows of a kind that are shown when they are in the way of a deletion."""


class OwnerAdmin(ListAdmin):
    """Projects and users, which are deleted as by the API: not while others need what they own."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The owners alone, how much goes with each, and what is in the way, with links. Django
        would list every row that belongs to them.
        """
        owners = list(objs)
        counts = {capfirst(self.opts.verbose_name_plural): len(owners)}
        protected: list[Any] = []
        for owner in owners:
            for name, number in count_dependents(owner).items():
                counts[name] = counts.get(name, 0) + number
            text = find_hindrance(owner)
            if text is not None:
                protected += [text, links_to_obstacles(request, owner)]
        return [str(owner) for owner in owners], counts, set(), protected

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().delete_view(request, *args, **kwargs)
        except StillInUse as error:  # since the check above
            return self.refuse(request, error)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, *args, **kwargs)
        try:
            with transaction.atomic():  # also the entries of the log
                return super().changelist_view(request, *args, **kwargs)
        except StillInUse as error:
            return self.refuse(request, error)

    def refuse(self, request: HttpRequest, error: StillInUse) -> HttpResponse:
        self.message_user(request, error.detail, messages.ERROR)
        label = f"{self.opts.app_label}_{self.opts.model_name}"
        return redirect(f"admin:{label}_changelist")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        remove_owner(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for owner in queryset:
                remove_owner(owner)


def count_dependents(owner: Project | User) -> dict[str, int]:
    """How many rows of each kind are deleted with the owner; of each ``MOST_COUNTED`` at most."""
    counts = {}
    for relation in owner._meta.related_objects:  # noqa: SLF001 - Django's public model API
        if relation.on_delete is CASCADE:
            rows: QuerySet[Any, Any] = QuerySet(relation.related_model)
            found = rows.filter(**{relation.field.name: owner}).order_by().values("pk")
            number = found[:MOST_COUNTED].count()
            if number:
                kind = str(relation.related_model._meta.verbose_name_plural)  # noqa: SLF001
                counts[capfirst(kind)] = number
    return counts


def links_to_obstacles(request: HttpRequest, owner: Project | User) -> list[Any]:
    """The rows that are in the way, by kind; links where the operator may see them."""
    lines: list[Any] = []
    for rows in find_obstacles(owner):
        found = list(rows[: MOST_OBSTACLES + 1])
        if not found:
            continue
        page = admin.site.get_model_admin(rows.model)
        shown: list[Any] = [str(row) for row in found]
        if page.has_view_permission(request):
            name = f"admin:{page.opts.app_label}_{page.opts.model_name}_change"
            shown = [
                format_html('<a href="{}">{}</a>', reverse(name, args=[row.pk]), row)
                for row in found
            ]
        more = ["and more"] if len(found) > MOST_OBSTACLES else []
        lines += [capfirst(rows.model._meta.verbose_name_plural), shown[:MOST_OBSTACLES] + more]  # noqa: SLF001
    return lines


class PersonalAdmin(ListAdmin):
    """Rows that belong to a user. An operator may not change those of users who have more rights
    than the operator.
    """

    owner = "user_id"
    """The attribute with the id of the person."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or not self.out_of_reach(request, [obj]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not self.out_of_reach(request, [obj]))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Checks each row: Django checks only the permission to delete rows of this kind."""
        deleted, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        protected = [*protected, *map(str, self.out_of_reach(request, list(objs)))]
        return deleted, counts, perms_needed, protected

    def out_of_reach(self, request: HttpRequest, rows: Sequence[Any]) -> list[Any]:
        """The rows that the operator may not change."""
        beyond = beyond_operator(request, {getattr(row, self.owner) for row in rows})
        return [row for row in rows if getattr(row, self.owner) in beyond]


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The users with the role. Operators may give only roles that they hold themselves, and take
    them only from users who have no more rights than they have.
    """

    request: HttpRequest
    """Who saves the form."""

    users = forms.ModelMultipleChoiceField(
        User.objects.all(),
        required=False,
        widget=RowSelectMultiple(MEMBERSHIP_USER, admin.site),
    )

    class Meta:
        model = ProjectRole
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["users"] = list(self.instance.group.user_set.all())
            self.fields["users"].disabled = not _may_give(self.request, self.instance)

    def clean_users(self) -> QuerySet[User]:
        chosen: QuerySet[User] = self.cleaned_data["users"]
        held = self.initial.get("users", ())  # nobody, where the id names no role of the project
        dropped = {user.pk: user for user in held if user not in chosen}
        kept = beyond_operator(self.request, dropped)
        if kept:
            names = ", ".join(sorted(dropped[pk].username for pk in kept))
            raise forms.ValidationError(f"These have more rights than you have: {names}.")
        return chosen

    def save(self, commit: bool = True) -> ProjectRole:
        entry: ProjectRole = self.instance
        entry.group.user_set.set(self.cleaned_data["users"])
        return entry


class RoleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The four roles of a project with their users, and links to their rules. Only superusers may
    give the role ``admin``, which counts in the whole cloud.
    """

    model = ProjectRole
    form = RoleForm
    readonly_fields = ("role_name", "members", "rules")
    extra = 0
    can_delete = False
    ordering = ("pk",)
    verbose_name_plural = "roles"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectRole]:
        entries = super().get_queryset(request).select_related("group", "project")
        return entries if is_superuser(request) else entries.exclude(role=Role.ADMIN)

    def get_fields(self, request: HttpRequest, obj: Project | None = None) -> Any:
        changes = self.has_change_permission(request, obj)
        return ("role_name", "users" if changes else "members", "rules")

    def get_formset(self, request: HttpRequest, obj: Project | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form = type("RoleForm", (formset.form,), {"request": request})
        return formset

    def has_add_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return admin.site.get_model_admin(Project).has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        """Only operators who hold a role in the project themselves."""
        allowed = admin.site.get_model_admin(Project).has_change_permission(request, obj)
        return allowed and (obj is None or _own_rights(request).has_role(obj.pk, Role.READER))

    @admin.display(description="role")
    def role_name(self, entry: ProjectRole) -> str:
        return entry.role

    @admin.display(description="users")
    def members(self, entry: ProjectRole) -> str:
        names = entry.group.user_set.order_by("username").values_list("username", flat=True)
        shown = list(names[: SHOWN_MEMBERS + 1])
        return ", ".join(shown[:SHOWN_MEMBERS]) + (" …" if len(shown) > SHOWN_MEMBERS else "")

    @admin.display(description="policy rules")
    def rules(self, entry: ProjectRole) -> str:
        return link_to_rules(entry)


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks tags, and the place of a new project, as the API does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "domain" in self.fields:
            self.fields["domain"].required = False

    def clean_domain(self) -> Domain:
        return self.cleaned_data["domain"] or Domain.objects.get(pk=DOMAIN_ID)

    def clean_tags(self) -> list[str]:
        try:
            return tag_list(self.cleaned_data["tags"])
        except WrongValue as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        domain, parent = values.get("domain"), values.get("parent")
        if domain is None:  # it exists already, and stays where it is
            return values
        try:
            placed({"domain_id": domain.pk, "parent_id": parent.pk if parent else None})
        except Fault as fault:
            self.add_error(
                "parent" if parent else "domain", fault.detail.partition(": ")[2] or fault.detail
            )
        return values


@admin.register(Project)
class ProjectAdmin(OwnerAdmin, RulesAdmin):
    form = ProjectForm
    servers_by = "project"
    list_display = ("named", "description", "enabled", "created_at")
    list_filter = ("enabled",)
    search_fields = ("name", "id", "description")
    fields = ("id", "name", "domain", "parent", "tags", "description", "enabled", "created_at")
    readonly_fields = ("id", "created_at")
    autocomplete_fields = ("domain", "parent")
    inlines = (RoleInline,)
    rules_explained = (
        "A rule allows one kind of request in this project. It counts from the next request on. "
        "Roles are groups such as demo/member; the rules of the role admin hold in every project "
        "and stand on its group."
    )

    def get_inlines(self, request: HttpRequest, obj: Project | None) -> Any:
        """The roles are shown only for a saved project, because a new one has none yet."""
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> Any:
        """A project stays where it is. ``enabled`` is read-only where disabling the project would
        lock out cloud admins who have more rights than the operator.
        """
        if obj is None:
            return self.readonly_fields
        fixed = (*self.readonly_fields, "domain", "parent")
        return (*fixed, "enabled") if self.homes_of_others(request, [obj]) else fixed

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not self.homes_of_others(request, [obj]))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        protected = [*protected, *map(str, self.homes_of_others(request, list(objs)))]
        return deleted, counts, perms_needed, protected

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = _memberships(form.instance)
        super().save_related(request, form, formsets, change)
        end_lost_roles({user for user, _ in before - _memberships(form.instance)})

    def homes_of_others(self, request: HttpRequest, projects: Sequence[Project]) -> list[Project]:
        """The projects in which a user has the role ``admin`` who has more rights than the
        operator.
        """
        admins = User.groups.through.objects.filter(
            group__project_role__project__in=[project.pk for project in projects],
            group__project_role__role=Role.ADMIN,
        ).values_list("group__project_role__project", "user")
        pairs = list(admins)
        beyond = beyond_operator(request, {user for _, user in pairs})
        homes = {project for project, user in pairs if user in beyond}
        return [project for project in projects if project.pk in homes]


@admin.register(User)
class SiteUserAdmin(PersonalAdmin, OwnerAdmin, UserAdmin):  # type: ignore[type-arg]
    owner = "pk"
    servers_by = "user"
    list_display = ("username", "default_project", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    list_select_related = ("default_project",)
    search_fields = ("username", "id", "email")
    autocomplete_fields = ("default_project", "groups")
    filter_horizontal = ("user_permissions",)
    readonly_fields = ("id", "domain", "last_login", "date_joined", "failures")
    actions = ("revoke_tokens", "unlock")
    fieldsets = (
        (None, {"fields": ("id", "username", "domain", "password", "failures", "is_active")}),
        (
            "Projects and roles",
            {
                "fields": ("default_project", "groups"),
                "description": "A role in a project is a group such as alpha/member.",
            },
        ),
        ("Admin site", {"fields": ("is_staff", "is_superuser", "user_permissions")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "usable_password",
                    "password1",
                    "password2",
                    "default_project",
                    "groups",
                ),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """The rights are read-only for operators who are not superusers."""
        if is_superuser(request):
            return self.readonly_fields
        return (*self.readonly_fields, "is_staff", "is_superuser", "user_permissions", "groups")

    def out_of_reach(self, request: HttpRequest, rows: Sequence[User]) -> list[User]:
        """Also other staff: only superusers may change their accounts."""
        beyond = super().out_of_reach(request, rows)
        staff = [user for user in rows if user.is_staff and not is_superuser(request)]
        return [user for user in rows if user in beyond or user in staff]

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None, **kwargs: Any
    ) -> Any:
        """Leaves out what gives nobody anything: groups of roles in domains and on the system, and
        rules that count on single objects alone.
        """
        if db_field.name == "groups":
            kwargs["queryset"] = Group.objects.filter(wide_role=None)
        elif db_field.name == "user_permissions":
            elsewhere = [kind for kind in guarded_types() if kind.model != "project"]
            kwargs["queryset"] = Permission.objects.exclude(
                content_type__in=elsewhere, codename__in=every_rule()
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        end_lost_roles([form.instance.pk])

    @admin.display(description="failed sign-ins since the last success")
    def failures(self, user: User) -> str:
        return describe_failures(user.pk)

    @admin.action(description="Unlock the selected users", permissions=["change"])
    def unlock(self, request: HttpRequest, users: QuerySet[User]) -> None:
        kept = {user.pk for user in self.out_of_reach(request, list(users))}
        number = unlock({user.pk for user in users} - kept)
        self.message_user(request, f"{number} users may sign in again.", messages.SUCCESS)

    @admin.action(description="Revoke all tokens of the selected users", permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, users: QuerySet[User]) -> None:
        kept = self.out_of_reach(request, list(users))
        number = sign_out({user.pk for user in users} - {user.pk for user in kept})
        self.message_user(request, f"{number} tokens revoked.", messages.SUCCESS)
        if kept:
            names = ", ".join(user.username for user in kept)
            self.message_user(request, f"They have more rights than you: {names}.", messages.ERROR)


@admin.register(Token)
class TokenAdmin(PersonalAdmin):
    """Tokens can be viewed and revoked (deleted), but not made or changed."""

    list_display = ("audit_id", "user", "project", "issued_at", "expires_at")
    list_filter = (
        word_filter("user", "user__username", "user__id"),
        word_filter("project", "project__name", "project__id"),
        "issued_at",
        "expires_at",
    )
    list_select_related = ()
    list_prefetched = ("user", "project")
    search_fields = ("audit_id",)
    search_help_text = "Part of the audit id"
    ordering = ("-issued_at",)
    fields = ("audit_id", "user", "project", "methods", "issued_at", "expires_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return False


@admin.register(ApplicationCredential)
class ApplicationCredentialAdmin(PersonalAdmin):
    """Application credentials can be viewed and deleted; only their users can make them."""

    list_display = ("name", "user", "project", "role", "expires_at", "created_at")
    list_filter = (
        word_filter("user", "user__username", "user__id"),
        word_filter("project", "project__name", "project__id"),
        "role",
    )
    list_select_related = ()
    list_prefetched = ("user", "project")
    search_fields = ("name",)
    exclude = ("secret_hash",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ApplicationCredential | None = None
    ) -> bool:
        return False


def beyond_operator(request: HttpRequest, user_ids: Iterable[str]) -> set[str]:
    """The users among these who have rights that the operator does not have. Cached with the
    request, because a page asks several times.
    """
    known: dict[frozenset[str], set[str]] = request.__dict__.setdefault("_beyond_operator", {})
    wanted = frozenset(user_ids)
    if wanted not in known:
        known[wanted] = find_beyond(cast("User", request.user), wanted)
    return known[wanted]


def _memberships(project: Project) -> set[tuple[str, str]]:
    """Pairs of user and role."""
    found = User.groups.through.objects.filter(group__project_role__project=project)
    return set(found.values_list("user", "group__project_role__role"))


def _own_rights(request: HttpRequest) -> Rights:
    known: dict[str, Rights] = request.__dict__.setdefault("_rights_of_operator", {})
    own = cast("User", request.user).pk
    if own not in known:
        known |= rights_of([own])
    return known[own]


def _may_give(request: HttpRequest, entry: ProjectRole) -> bool:
    """May the operator give the role? Only a role that the operator holds."""
    if entry.role not in Role.values:
        return is_superuser(request)
    return _own_rights(request).has_role(entry.project_id, Role(entry.role))

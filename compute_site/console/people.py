"""Projects with their roles, users, tokens and application credentials in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from compute_site.console.lists import ListAdmin, word_filter
from compute_site.console.rule_boxes import RulesAdmin, link_to_rules
from compute_site.identity.models import (
    ApplicationCredential,
    Project,
    ProjectRole,
    Role,
    Token,
    User,
)
from compute_site.identity.tokens import revoke_tokens_of

MEMBERSHIP_USER = User.groups.through._meta.get_field("user")  # noqa: SLF001 - the way to a field


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who holds the role."""

    users = forms.ModelMultipleChoiceField(
        User.objects.all(),
        required=False,
        widget=AutocompleteSelectMultiple(MEMBERSHIP_USER, admin.site),
    )

    class Meta:
        model = ProjectRole
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["users"] = list(self.instance.group.user_set.all())

    def save(self, commit: bool = True) -> ProjectRole:
        entry: ProjectRole = self.instance
        entry.group.user_set.set(self.cleaned_data["users"])
        return entry


class RoleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The four roles of a project: users, and the way to the rules. Who is an admin of the whole
    cloud is for superusers to say.
    """

    model = ProjectRole
    form = RoleForm
    fields = ("role_name", "users", "rules")
    readonly_fields = ("role_name", "rules")
    extra = 0
    can_delete = False
    ordering = ("pk",)
    verbose_name_plural = "roles"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectRole]:
        entries = super().get_queryset(request).select_related("group", "project")
        return entries if _is_superuser(request) else entries.exclude(role=Role.ADMIN)

    def has_add_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return admin.site.get_model_admin(Project).has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return admin.site.get_model_admin(Project).has_change_permission(request, obj)

    @admin.display(description="role")
    def role_name(self, entry: ProjectRole) -> str:
        return entry.role

    @admin.display(description="policy rules")
    def rules(self, entry: ProjectRole) -> str:
        return link_to_rules(entry)


@admin.register(Project)
class ProjectAdmin(ListAdmin, RulesAdmin):
    list_display = ("named", "description", "enabled", "created_at")
    list_filter = ("enabled",)
    search_fields = ("name", "id", "description")
    fields = ("id", "name", "description", "enabled", "created_at")
    readonly_fields = ("id", "created_at")
    inlines = (RoleInline,)
    rules_explained = (
        "A rule allows one kind of request in this project. It counts from the next request on. "
        "Roles are groups such as demo/member; the rules of the role admin hold in every project "
        "and stand on its group."
    )

    def get_inlines(self, request: HttpRequest, obj: Project | None) -> Any:
        """A project has its roles once it is saved."""
        return self.inlines if obj else ()


@admin.register(User)
class SiteUserAdmin(ListAdmin, UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "default_project", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    list_select_related = ("default_project",)
    search_fields = ("username", "id", "email")
    autocomplete_fields = ("default_project", "groups")
    filter_horizontal = ("user_permissions",)
    readonly_fields = ("id", "last_login", "date_joined")
    actions = ("revoke_tokens",)
    fieldsets = (
        (None, {"fields": ("id", "username", "password", "is_active")}),
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
        """Only superusers give out rights."""
        if _is_superuser(request):
            return self.readonly_fields
        return (*self.readonly_fields, "is_staff", "is_superuser", "user_permissions", "groups")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and self._may_touch(request, obj)

    def _may_touch(self, request: HttpRequest, obj: User | None) -> bool:
        """Whoever could set a colleague's password would have the colleague's rights."""
        return obj is None or not obj.is_staff or _is_superuser(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        staff = [str(user) for user in objs if not self._may_touch(request, user)]
        return deleted, counts, perms_needed, [*protected, *staff]

    @admin.action(description="Revoke all tokens of the selected users", permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, users: QuerySet[User]) -> None:
        number = revoke_tokens_of(users.values_list("pk", flat=True))
        self.message_user(request, f"{number} tokens revoked.", messages.SUCCESS)


@admin.register(Token)
class TokenAdmin(ListAdmin):
    """Tokens can be looked at and revoked (deleted), not made or changed."""

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
class ApplicationCredentialAdmin(ListAdmin):
    """Credentials can be looked at and deleted; only their users make them."""

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


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))

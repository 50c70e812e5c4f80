"""Limits and usage in the admin: one page a project with all its limits, one for each class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from compute_site.console.limits_form import LimitsForm, shown_limit
from compute_site.console.lists import ListAdmin, word_filter
from compute_site.console.read_only import RecordAdmin
from quotas.changes import delete_limits, save_class_page, save_project_page
from quotas.dashboard import find_near_limit
from quotas.forms import members_of, user_limits
from quotas.history import read_changes
from quotas.limits import (
    DEFAULT_CLASS,
    class_limits,
    limits_are_unified,
    own_limits,
    project_limit,
)
from quotas.meters import meter
from quotas.models import Limit, ProjectQuota, Usage
from quotas.resources import COUNTED, LIMITED, RESOURCES
from quotas.usage import project_usage, users_usage
from quotas.warnings import over, projects_over, users_over

MOST_OVER = 500
"""Limits that are looked at to find projects over them, the fullest first."""


class OverLimit(admin.SimpleListFilter):
    """Projects that use more than a limit, which is possible after it was lowered."""

    title = "use"
    parameter_name = "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("over", "Over a limit"), ("full", "At or over a limit")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProjectQuota]
    ) -> QuerySet[ProjectQuota]:
        if self.value() not in ("over", "full"):
            return queryset
        rows = find_near_limit(1.0, most=MOST_OVER)
        over = {row.project_id for row in rows if row.in_use > row.limit}
        full = {row.project_id for row in rows}
        return queryset.filter(pk__in=over if self.value() == "over" else full)


def _meter_column(name: str) -> Callable[[Any, ProjectQuota], str]:
    @admin.display(description=name.replace("_", " "))
    def column(_admin: Any, project: ProjectQuota) -> str:
        return meter(getattr(project, f"used_{name}"), getattr(project, f"limit_{name}"))

    return column


@admin.register(ProjectQuota)
class ProjectQuotaAdmin(ListAdmin):
    """All changes go through ``quotas.changes``."""

    list_display = ("name", *COUNTED)
    list_filter = (OverLimit,)
    search_fields = ("name", "id")
    change_list_template = "quotas/change_list.html"
    instances, cores, ram, server_groups = map(_meter_column, COUNTED)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Limits of the identity service are changed on its pages."""
        return not limits_are_unified() and super().has_change_permission(request, obj)

    class Media:
        css = {"all": ["compute_site/limits.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectQuota]:
        columns: dict[str, Any] = {f"used_{name}": _used(name) for name in COUNTED}
        columns |= {f"limit_{name}": project_limit(name) for name in COUNTED}
        projects: QuerySet[ProjectQuota] = super().get_queryset(request)
        return projects.annotate(**columns)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": "Quotas of projects"}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.class_view)
        return [path("classes/<name>/", view, name="quotas_class_change"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        project = get_object_or_404(ProjectQuota, pk=object_id)
        self._check_permission(request)
        own = own_limits(project_id=project.pk)
        form = LimitsForm(LIMITED, own, request.POST or None)
        users = user_limits(project.pk, request.POST or None)
        usage = project_usage(project.pk)
        if request.method == "POST" and form.is_valid() and users.is_valid():
            save_project_page(
                project.pk,
                limits=form.limits,
                cleared=form.cleared,
                users=users.wanted(),
                by=str(request.user.pk),
            )
            self.log_change(request, project, "Limits changed.")
            self._saved(request, project.name)
            self._warn(request, over(project.name, form.limits, usage))
            self._warn(request, users_over(project.pk, users.changed()))
            return redirect(request.path)
        return self._page(
            request,
            title=f"Quota of {project.name}",
            form=form,
            rows=_rows(form, own, class_limits(DEFAULT_CLASS), usage),
            users=users,
            user_rows=_user_rows(project.pk, users),
            members=members_of(project.pk),
            changes=read_changes(project_id=project.pk),
            original=project,
        )

    def class_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """The limits of a class. Only the class ``default`` has an effect."""
        self._check_permission(request)
        own = own_limits(quota_class=name)
        form = LimitsForm(LIMITED, own, request.POST or None)
        if request.method == "POST" and form.is_valid():
            by = str(request.user.pk)
            save_class_page(name, limits=form.limits, cleared=form.cleared, by=by)
            self._saved(request, name)
            if name == DEFAULT_CLASS:
                self._warn(request, projects_over(form.limits))
            return redirect(request.path)
        options = {resource: RESOURCES[resource].default for resource in LIMITED}
        rows = _rows(form, own, options, None)
        return self._page(
            request,
            title=f"Limits of the class {name}",
            form=form,
            rows=rows,
            changes=read_changes(project_id=None, quota_class=name),
        )

    def _check_permission(self, request: HttpRequest) -> None:
        may = self.has_change_permission if request.method == "POST" else self.has_view_permission
        if not may(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, **context: Any) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,  # noqa: SLF001 - Django's own name for it
            "media": self.media,
            "may_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "quotas/quota.html", {**shared, **context})

    def _saved(self, request: HttpRequest, name: str) -> None:
        self.message_user(request, f"The limits of {name} are saved.", messages.SUCCESS)

    def _warn(self, request: HttpRequest, texts: Iterable[str]) -> None:
        for text in texts:
            self.message_user(request, text, messages.WARNING)


@admin.register(Limit)
class LimitAdmin(ListAdmin):
    """All limits that are set. They are changed on the pages of projects and classes, and deleted
    here as well.
    """

    user_column = "user_id"
    list_display = ("resource", "limit", "quota_class", "project", "of_user")
    list_filter = (
        word_filter("project", "project__name", "project__id"),
        word_filter("resource", "resource"),
        word_filter("class", "quota_class"),
    )
    search_fields = ("user_id__exact", "quota_class__exact")
    search_help_text = "Id of a user, or a class"
    list_select_related = ("project",)
    list_display_links = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="user")
    def of_user(self, limit: Limit) -> str:
        return self.user_named(limit) if limit.user_id else ""

    def delete_model(self, request: HttpRequest, obj: Limit) -> None:
        delete_limits([obj], by=str(request.user.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Limit]) -> None:
        delete_limits(list(queryset), by=str(request.user.pk))


@admin.register(Usage)
class UsageAdmin(RecordAdmin):
    """The counters, read-only; the command ``check_quotas`` checks and corrects them."""

    list_display = ("project", "resource", "in_use")
    list_filter = (
        word_filter("project", "project__name", "project__id"),
        word_filter("resource", "resource"),
    )
    list_select_related = ("project",)
    list_display_links = None


def _used(name: str) -> Coalesce:
    rows = Usage.objects.filter(project=OuterRef("pk"), resource=name).values("in_use")[:1]
    return Coalesce(Subquery(rows), 0)


def _rows(
    form: LimitsForm,
    own: Mapping[str, int],
    wider: Mapping[str, int],
    usage: Mapping[str, int] | None,
) -> list[dict[str, Any]]:
    """A line for each resource: its input, what applies without it, what is used."""
    return [
        {
            "name": resource,
            "meaning": RESOURCES[resource].meaning,
            "field": form[resource],
            "wider": shown_limit(wider[resource]),
            "use": meter(usage[resource], own.get(resource, wider[resource]))
            if usage is not None and RESOURCES[resource].counted
            else "",
        }
        for resource in LIMITED
    ]


def _user_rows(project_id: str, users: Any) -> list[dict[str, Any]]:
    """A line for each limit of a user, with what the user has."""
    known = {form.initial["user_id"] for form in users if form.initial.get("user_id")}
    used = users_usage(project_id, known)
    rows = []
    for form in users:
        use, user_id = "", form.initial.get("user_id")
        if user_id and RESOURCES[form.initial["resource"]].counted:
            use = meter(used[user_id][form.initial["resource"]], form.initial["limit"])
        rows.append({"form": form, "use": use})
    return rows

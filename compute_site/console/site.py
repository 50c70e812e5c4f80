"""The admin site, whose first page shows panels of the apps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse

from compute_site.identity.errors import InvalidPassword
from compute_site.identity.proof import prove_password
from compute_site.identity.scope import find_by_user

User: TypeAlias = PermissionsMixin | AnonymousUser


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel on the first page, shown to users with ``permission``. ``read`` must take a constant
    number of statements and return a bounded number of rows.
    """

    title: str
    permission: str
    template: str
    read: Callable[[], Mapping[str, Any]]
    wide: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of its own, for who has any of the permissions; it stands in the menu above the lists,
    unless it has no title.
    """

    path: str
    name: str
    title: str
    permissions: Sequence[str]
    view: Callable[[HttpRequest], HttpResponseBase]

    def is_for(self, user: User) -> bool:
        return any(user.has_perm(permission) for permission in self.permissions)


SECTIONS = {
    "Servers": ("servers.Instance", "servers.ServerGroup", "servers.KeyPair", "servers.Migration"),
    "Flavors and quotas": (
        *("flavors.Flavor", "quotas.ProjectQuota", "quotas.Limit", "quotas.Usage"),
    ),
    "Hosts": (
        *("servers.ComputeNode", "servers.Service", "servers.HostAgent", "servers.Aggregate"),
        "servers.Cell",
    ),
    "Tests of clients": ("servers.Injection",),
    "Projects and users": (
        *("identity.Project", "identity.User", "auth.Group", "policy.RuleDefault"),
        *("identity.ApplicationCredential", "identity.Token"),
    ),
    "Networks": ("network.*",),
    "Volumes": ("volume.*",),
    "Images": ("image.*",),
    "Records of servers": ("servers.*", "procrastinate.*"),
}
"""What the lists are gathered under, in the order in which operators need them. A star stands for
the models of an app that are not named elsewhere; apps without a section stand at the end.
"""
RENAMED = {"procrastinate.ProcrastinateJob": "Jobs in the queue"}


class OwnPasswordForm(AdminPasswordChangeForm):
    """Checks the old password as at a sign-in: failures are counted and logged."""

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        scope = find_by_user(user_id=self.user.pk)
        try:
            prove_password(scope, old, named=self.user.get_username(), by="change of the password")
        except InvalidPassword:
            text = self.error_messages["password_incorrect"]
            raise ValidationError(text, code="password_incorrect") from None
        return old


class ConsoleSite(AdminSite):
    """Django's admin site with panels."""

    site_header = "compute-site"
    site_title = "compute-site"
    index_title = "Overview"
    index_template = "compute_site/admin_index.html"

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The lists grouped by subject and not by Django app."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        found = {
            f"{app['app_label']}.{model['object_name']}": (app, model)
            for app in apps
            for model in app["models"]
        }
        for name, title in RENAMED.items():
            if name in found:
                found[name][1]["name"] = title
        named = {name for names in SECTIONS.values() for name in names}
        sections = [
            _section(title, _members(names, found, named)) for title, names in SECTIONS.items()
        ]
        others = [app for app in apps if f"{app['app_label']}.*" not in named]
        rest = [
            _section(app["name"], [(app, model) for model in app["models"]])
            for app in others
            if not any(f"{app['app_label']}.{m['object_name']}" in named for m in app["models"])
        ]
        return [section for section in (*sections, *rest) if section is not None]

    def get_urls(self) -> list[Any]:
        own = [
            path(page.path, self.admin_view(_for_permitted(page)), name=page.name)
            for page in _pages
        ]
        return [*own, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        pages = [page for page in _pages if page.title and page.is_for(request.user)]
        return {**super().each_context(request), "pages": pages}

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        panels = [
            {"panel": panel, **panel.read()}
            for panel in sorted(_panels, key=lambda panel: not panel.wide)
            if request.user.has_perm(panel.permission)
        ]
        return super().index(request, {"panels": panels, **(extra_context or {})})


Found = tuple[dict[str, Any], dict[str, Any]]
"""An app and one of its models, as Django's admin lists them."""


def _members(names: Sequence[str], found: Mapping[str, Found], named: set[str]) -> list[Found]:
    members = [found[name] for name in names if name in found]
    for label in (name.removesuffix(".*") for name in names if name.endswith(".*")):
        members += [
            entry
            for name, entry in found.items()
            if name not in named and name.startswith(f"{label}.")
        ]
    return members


def _section(title: str, members: Sequence[Found]) -> dict[str, Any] | None:
    if not members:
        return None
    app, first = members[0]
    models = [model for _, model in members]
    return {**app, "name": title, "app_url": first["admin_url"], "models": models}


def _for_permitted(page: Page) -> Callable[[HttpRequest], HttpResponseBase]:
    def view(request: HttpRequest) -> HttpResponseBase:
        if not page.is_for(request.user):
            raise PermissionDenied
        return page.view(request)

    return view


_panels: list[Panel] = []
_pages: list[Page] = []


def show_pages(*pages: Page) -> None:
    """Add pages to the site, after the present ones."""
    _pages.extend(page for page in pages if page not in _pages)


def show_panels(*panels: Panel) -> None:
    """Add panels to the first page, after the present ones."""
    _panels.extend(panel for panel in panels if panel not in _panels)

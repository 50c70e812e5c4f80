"""The admin site: the operator's console, whose first page shows panels that the apps bring."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from django.contrib.admin import AdminSite
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import HttpRequest
from django.template.response import TemplateResponse

User: TypeAlias = PermissionsMixin | AnonymousUser


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A box on the first page. ``read`` costs a constant number of statements and answers with a
    bounded number of rows. It is shown to who holds the ``permission``.
    """

    title: str
    permission: str
    template: str
    read: Callable[[], Mapping[str, Any]]
    wide: bool = False


class ConsoleSite(AdminSite):
    """Django's admin site with panels."""

    site_header = "compute-site"
    site_title = "compute-site"
    index_title = "Overview"
    index_template = "compute_site/admin_index.html"

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        panels = [
            {"panel": panel, **panel.read()}
            for panel in sorted(_panels, key=lambda panel: not panel.wide)
            if request.user.has_perm(panel.permission)
        ]
        return super().index(request, {"panels": panels, **(extra_context or {})})


_panels: list[Panel] = []


def show_panels(*panels: Panel) -> None:
    """Put panels on the first page, after those that are there."""
    _panels.extend(panel for panel in panels if panel not in _panels)

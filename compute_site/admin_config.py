"""Makes our admin site the one that all apps register with."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    default = False
    default_site = "compute_site.admin_site.ConsoleSite"

"""Makes our admin site the one that all apps register with."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig
from django.utils.module_loading import import_string


class ConsoleConfig(AdminConfig):
    default = False
    default_site = "compute_site.console.site.ConsoleSite"
    pages = (
        "compute_site.console.people.SiteUserAdmin",
        "compute_site.console.groups.SiteGroupAdmin",
        "compute_site.console.rule_defaults.RuleDefaultAdmin",
        "compute_site.console.kept_answers.KeptAnswerAdmin",
    )
    """Pages of models that stand on a lower floor than the console; the apps' own ``admin`` modules
    are found by Django.
    """

    def ready(self) -> None:
        super().ready()
        for page in self.pages:
            import_string(page)

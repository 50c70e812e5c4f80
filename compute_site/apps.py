from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "compute_site"
    verbose_name = "Site"

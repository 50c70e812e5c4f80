from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "compute_site.identity"
    label = "identity"
    verbose_name = "Identity"

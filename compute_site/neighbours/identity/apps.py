from django.apps import AppConfig


class IdentityApiConfig(AppConfig):
    name = "compute_site.neighbours.identity"
    label = "identity_api"
    verbose_name = "Identity service"

from django.apps import AppConfig


class IdentityApiConfig(AppConfig):
    name = "compute_site.neighbours.identity"
    label = "identity_api"
    verbose_name = "Identity service"

    def ready(self) -> None:
        from compute_site.neighbours.elsewhere import checks  # noqa: F401, PLC0415 - registers them

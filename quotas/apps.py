from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "quotas"

    def ready(self) -> None:
        import quotas.policies  # noqa: F401, PLC0415 - declares the rules

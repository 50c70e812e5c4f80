from django.apps import AppConfig


class FlavorsConfig(AppConfig):
    name = "flavors"

    def ready(self) -> None:
        import flavors.policies  # noqa: F401, PLC0415 - declares the rules

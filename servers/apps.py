from django.apps import AppConfig


class ServersConfig(AppConfig):
    name = "servers"

    def ready(self) -> None:
        import servers.policies  # noqa: F401, PLC0415 - declares the rules

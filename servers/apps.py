from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ServersConfig(AppConfig):
    name = "servers"

    def ready(self) -> None:
        import servers.policies  # noqa: F401, PLC0415 - declares the rules
        from servers.models.cell import make_cells  # noqa: PLC0415 - models load first

        post_migrate.connect(make_cells, sender=self)

from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "compute_site.neighbours.network"
    label = "network"
    verbose_name = "Network service"

    def ready(self) -> None:
        from compute_site.identity.leaving import owner_is_looked_at, owner_leaves  # noqa: PLC0415 - models load first
        from compute_site.neighbours.network.local.owners import (  # noqa: PLC0415 - models load first
            check_networks_free,
            give_outside_back,
            list_uses,
        )

        owner_leaves.connect(check_networks_free)
        owner_leaves.connect(give_outside_back)
        owner_is_looked_at.connect(list_uses)

from django.apps import AppConfig


class VolumeConfig(AppConfig):
    name = "compute_site.neighbours.volume"
    label = "volume"
    verbose_name = "Volume service"

    def ready(self) -> None:
        from compute_site.identity.leaving import owner_is_looked_at  # noqa: PLC0415 - models load first
        from compute_site.neighbours.volume import checks  # noqa: F401, PLC0415 - registers them
        from compute_site.neighbours.volume.local.owners import (  # noqa: PLC0415 - models load first
            list_snapshots,
        )

        owner_is_looked_at.connect(list_snapshots)

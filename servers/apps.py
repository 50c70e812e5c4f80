from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ServersConfig(AppConfig):
    name = "servers"

    def ready(self) -> None:
        import servers.policies  # noqa: F401, PLC0415 - declares the rules
        from compute_site.identity.leaving import (  # noqa: PLC0415 - as above
            find_leaving_with,
            owner_is_looked_at,
            owner_leaves,
        )
        from compute_site.neighbours.image.local.events import download_awaited  # noqa: PLC0415 - as above
        from compute_site.neighbours.network.local.events import (  # noqa: PLC0415 - as above
            nics_changed,
            nics_changing,
            wires_changed,
        )
        from compute_site.neighbours.volume.local.events import (  # noqa: PLC0415 - as above
            bytes_awaited,
            upload_awaited,
            volume_grew,
        )
        from quotas.usage import count_reserves_with, count_users_with  # noqa: PLC0415 - models load first
        from servers.attachments.network_events import (  # noqa: PLC0415 - models load first
            lock_nics,
            refresh_nics,
        )
        from servers.attachments.volume_growth import tell_guests  # noqa: PLC0415 - models load first
        from servers.delete.owners import find_leaving, forget_history, list_servers  # noqa: PLC0415 - models load first
        from servers.host_orders.networks import hint_hosts  # noqa: PLC0415 - models load first
        from servers.models.cell import make_cells  # noqa: PLC0415 - models load first
        from servers.models.service import make_control_services  # noqa: PLC0415 - models load first
        from servers.placement import checks  # noqa: F401, PLC0415 - models load first
        from servers.usage import count_reserved, count_users_usage  # noqa: PLC0415 - models load first
        from servers.worker.bytes import ask_for_bytes, ask_for_upload  # noqa: PLC0415 - models load first
        from servers.worker.downloads import ask_for_download  # noqa: PLC0415 - models load first

        count_users_with(count_users_usage)
        count_reserves_with(count_reserved)
        owner_leaves.connect(forget_history)
        find_leaving_with(find_leaving)
        owner_is_looked_at.connect(list_servers)
        nics_changing.connect(lock_nics)
        nics_changed.connect(refresh_nics)
        volume_grew.connect(tell_guests)
        bytes_awaited.connect(ask_for_bytes)
        upload_awaited.connect(ask_for_upload)
        download_awaited.connect(ask_for_download)
        wires_changed.connect(hint_hosts)
        post_migrate.connect(make_cells, sender=self)
        post_migrate.connect(make_control_services, sender=self)

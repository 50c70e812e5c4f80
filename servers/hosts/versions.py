"""What the hosts can do together: the oldest version of their services."""

from __future__ import annotations

from django.db.models import Min

from servers.models import Service


def oldest_compute_version() -> int:
    """The lowest version of all services that run servers; 0 when there is none."""
    services = Service.objects.computes().filter(forced_down=False)
    return services.aggregate(oldest=Min("version"))["oldest"] or 0

"""The floating IPs of a project, as compute shows, takes and gives them up for its clients."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from compute_site.caller import Caller
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.floating import (
    create_floating_ip,
    delete_floating_ip,
)
from compute_site.neighbours.network.local.limits import OverQuota
from compute_site.neighbours.network.local.on_ports import TOLD, describe_floating_ip
from compute_site.neighbours.network.models import FloatingIp
from compute_site.neighbours.network.protocol import FloatingIpData, FloatingIpQuotaReached

LEFT_OUT = ("project_id", "subnet_id", "floating_ip_address", "port_id", "fixed_ip_address")
"""What requests to the network API may say as well."""


def find_floating_ips(
    caller: Caller, ids: Collection[str] | None = None
) -> Sequence[FloatingIpData]:
    caller.permit(policies.GET_FLOATING_IP)
    rows = FloatingIp.objects.filter(project=caller.project_id).select_related(*TOLD)
    if ids is not None:
        rows = rows.filter(pk__in=canonical_ids(ids))
    return [describe_floating_ip(row) for row in rows.order_by("created_at", "pk")]


def take_floating_ip(caller: Caller, network_id: str) -> str:
    asked = dict.fromkeys(LEFT_OUT) | {
        "floating_network_id": uuid.UUID(network_id),
        "description": "",
    }
    try:
        made = create_floating_ip(caller, asked, ("floating_network_id",))
    except OverQuota as error:
        raise FloatingIpQuotaReached(error.detail) from None
    return str(made.pk)


def give_floating_ip_up(caller: Caller, floating_ip_id: str) -> None:
    owned = FloatingIp.objects.filter(project=caller.project_id).select_related("outside", "port")
    for row in owned.filter(pk=uuid.UUID(floating_ip_id)):
        delete_floating_ip(caller, row)

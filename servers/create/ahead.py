"""What the steps of a request will look up in this database, so that it can be read in one trip."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.caller import Caller
from compute_site.db.statements import Statement
from compute_site.neighbours import image_service, network_service
from servers.create.order import ServerOrder
from servers.machine.references import flavor_lookup


def lookups(caller: Caller, order: ServerOrder) -> Sequence[Statement]:
    """Those of flavor, image, networks and port quota: nearly every request needs them all."""
    return [
        flavor_lookup(caller, order.flavor_ref),
        *(image_service().lookups(caller, [order.image_ref]) if order.image_ref else ()),
        *_of_networks(caller, order),
    ]


def _of_networks(caller: Caller, order: ServerOrder) -> Sequence[Statement]:
    asked = order.networks
    if asked == "none":
        return ()
    if not isinstance(asked, tuple) or not asked:
        return network_service().lookups(caller, None)
    ids = [nic.network_id for nic in asked if nic.port_id is None and nic.network_id]
    return network_service().lookups(caller, ids)

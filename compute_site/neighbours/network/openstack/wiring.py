"""How packets of servers are carried: by the agents of the Neutron elsewhere, not by hosts of this
site.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from compute_site.neighbours.network.carried import Carried
from compute_site.neighbours.network.protocol import NicFailed, Wiring


def find_wiring(server_id: str) -> Sequence[Wiring]:
    raise NicFailed(
        f"The ports of the server {server_id} are of a network service elsewhere, whose own agents "
        "carry the packets; hosts with agents of this site cannot connect them."
    )


def find_carried(network_id: str, host: str) -> Carried | None:
    return None


def find_carriers(server_id: str) -> Mapping[str, Collection[str]]:
    return {}


def find_carriers_of(networks: Collection[str]) -> Mapping[str, Collection[str]]:
    return {}

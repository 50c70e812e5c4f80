"""The network service of an existing cloud: a Neutron, reached over HTTP."""

from __future__ import annotations

from compute_site.neighbours.network.openstack.connect import (
    connect,
    connect_all,
    disconnect,
    plug,
    rebind,
    unplug,
)
from compute_site.neighbours.network.openstack.find import (
    available_networks,
    can_auto_allocate,
    find_networks,
    find_pools,
    find_ports,
    find_security_groups,
    free_addresses,
    lookups,
    port_quota,
    taken_addresses,
)
from compute_site.neighbours.network.openstack.groups import (
    change_group,
    create_group,
    create_group_rule,
    delete_group,
    delete_group_rule,
    find_group_rule,
    list_groups,
)
from compute_site.neighbours.network.openstack.nics import attached_ports, nics
from compute_site.neighbours.network.openstack.on_ports import (
    add_address,
    add_group,
    find_floating_ip,
    find_floating_ips,
    give_floating_ip_up,
    lend_floating_ip,
    remove_address,
    remove_group,
    take_back_floating_ip,
    take_floating_ip,
)
from compute_site.neighbours.network.openstack.wiring import (
    find_carried,
    find_carriers,
    find_carriers_of,
    find_wiring,
)

__all__ = [
    "add_address",
    "add_group",
    "attached_ports",
    "available_networks",
    "can_auto_allocate",
    "change_group",
    "connect",
    "connect_all",
    "create_group",
    "create_group_rule",
    "delete_group",
    "delete_group_rule",
    "disconnect",
    "find_carried",
    "find_carriers",
    "find_carriers_of",
    "find_floating_ip",
    "find_floating_ips",
    "find_group_rule",
    "find_networks",
    "find_pools",
    "find_ports",
    "find_security_groups",
    "find_wiring",
    "free_addresses",
    "give_floating_ip_up",
    "lend_floating_ip",
    "list_groups",
    "lookups",
    "nics",
    "plug",
    "port_quota",
    "rebind",
    "remove_address",
    "remove_group",
    "take_back_floating_ip",
    "take_floating_ip",
    "taken_addresses",
    "unplug",
]

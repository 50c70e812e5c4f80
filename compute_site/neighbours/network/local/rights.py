"""Asks the policy rules of networks: which of them a request needs, and whose project counts.

A rule counts in the project that the thing belongs to. What is done on a network of somebody else
is also that project's business: addresses, MACs and port security are chosen where the rule is held
in the network's project, so that nobody disturbs a network that is only shared with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from compute_site.caller import Caller
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.models import COMPUTE, Network, Port, Subnet
from compute_site.neighbours.ownership import may_on, permit_on
from compute_site.policy.rules import registry

OF_NETWORK = frozenset(
    (
        policies.CREATE_SUBNET,
        policies.CREATE_PORT_MAC,
        policies.CREATE_PORT_ADDRESS,
        policies.CREATE_PORT_SECURITY,
        policies.UPDATE_PORT_FIXED_IPS,
        policies.UPDATE_PORT_ADDRESS,
        policies.UPDATE_PORT_SECURITY,
    )
)
"""What only the project of the network decides on."""
OF_SHARED_NETWORK = frozenset(
    (
        policies.CREATE_PORT,
        policies.CREATE_PORT_FIXED_IPS,
        policies.CREATE_PORT_SUBNET,
        policies.UPDATE_PORT_SUBNET,
    )
)
"""What every project does on a shared network, and the project of the network on any."""
NETWORKS_TOO = frozenset((policies.UPDATE_SUBNET, policies.DELETE_SUBNET))
"""What is up to the project of the thing and to that of its network."""
NEUTRAL: Mapping[str, Any] = {
    "shared": False,
    "router:external": False,
    "is_default": False,
    "port_security_enabled": True,
    "device_id": "",
    "device_owner": "",
    "binding:host_id": "",
    "binding:profile": {},
    "binding:vnic_type": "normal",
}
"""What a new thing is anyway: saying so needs no right."""
SERVICES_OWN = (COMPUTE, "network:")
"""Owners of ports that only services are."""


def permit_create(
    caller: Caller,
    rule: str,
    project_id: str,
    values: Mapping[str, Any],
    given: Collection[str],
    *,
    network: Network | None = None,
) -> None:
    """Go on only if the caller may make such a thing. ``given`` are the keys that the request has.

    Raises:
        PolicyRefused: a rule is not granted; the text names it.
    """
    permit(caller, rule, project_id, network)
    said = {key for key in given if values.get(key) not in (None, NEUTRAL.get(key))}
    for attribute_rule in _attribute_rules(rule, values, said):
        permit(caller, attribute_rule, project_id, network)


def permit_update(
    caller: Caller,
    rule: str,
    row: Network | Subnet | Port,
    values: Mapping[str, Any],
    given: Collection[str],
) -> None:
    """Go on only if the caller may change these keys; raises as ``permit_create``."""
    network = None if isinstance(row, Network) else row.network
    permit(caller, rule, row.project_id, network)
    for attribute_rule in _attribute_rules(rule, values, given):
        permit(caller, attribute_rule, row.project_id, network)
    if isinstance(row, Port) and _claims(row, values, given):
        permit(caller, policies.UPDATE_PORT_DEVICE_OWNER, row.project_id, network)


def permit_delete_port(caller: Caller, port: Port) -> None:
    """A port that a server has is deleted with its card, not behind the back of compute."""
    permit(caller, policies.DELETE_PORT, port.project_id)
    if port.device_owner.startswith(COMPUTE):
        permit(caller, policies.DELETE_PORT_OF_SERVER, port.project_id)


def permit(caller: Caller, rule: str, project_id: str, network: Network | None = None) -> None:
    """Go on only if the rule is granted where it counts. ``network`` is what the thing stands on.

    Raises:
        PolicyRefused: it is not.
    """
    if network is None:
        permit_on(caller, rule, project_id)
    elif rule in OF_NETWORK:
        permit_on(caller, rule, network.project_id)
    elif rule in OF_SHARED_NETWORK:
        permit_on(caller, rule, project_id)
        if not network.shared:
            permit_on(caller, rule, network.project_id)
    elif rule not in NETWORKS_TOO or not may_on(caller, rule, network.project_id):
        permit_on(caller, rule, project_id)


def hide(caller: Caller, rule: str, project_id: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown without the keys that only those see who hold the rule of the key."""
    return {
        key: value
        for key, value in shown.items()
        if f"{rule}:{key}" not in registry or may_on(caller, f"{rule}:{key}", project_id)
    }


def _attribute_rules(rule: str, values: Mapping[str, Any], keys: Collection[str]) -> Iterator[str]:
    """The rules of the keys, and of the keys within ``fixed_ips``."""
    for key in sorted(keys):
        name = f"{rule}:{key}"
        if name in (policies.CREATE_PORT_DEVICE_OWNER, policies.UPDATE_PORT_DEVICE_OWNER):
            if str(values.get(key)).startswith(SERVICES_OWN):
                yield name
        elif name in registry:
            yield name
        if key == "fixed_ips":
            within = {part for entry in values.get(key) or () for part in entry if entry[part]}
            yield from (f"{name}:{part}" for part in sorted(within))


def _claims(port: Port, values: Mapping[str, Any], given: Collection[str]) -> bool:
    """Would a port that a service uses be used by something else?"""
    kept = port.device_owner.startswith(SERVICES_OWN) and "device_owner" not in given
    return kept and "device_id" in given and values["device_id"] not in ("", port.device_id)

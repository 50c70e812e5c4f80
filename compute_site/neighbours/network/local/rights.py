"""Checks the policy rules of networks: which rules a request needs, and in which project.

A rule must be held in the project of the object. On another project's network, setting addresses,
MAC addresses and port security needs the rule in the project of the network, so that a project
cannot disturb a network that is only shared with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from compute_site.caller import Caller
from compute_site.faults import BadReference
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.models import (
    COMPUTE,
    SHARED,
    AddressScope,
    Network,
    NetworkAccess,
    Port,
    Router,
    Subnet,
    SubnetPool,
)
from compute_site.neighbours.ownership import may_on, permit_on, project_exists
from compute_site.policy.rules import registry

OF_NETWORK = frozenset(
    (
        policies.CREATE_SUBNET,
        policies.CREATE_PORT_MAC,
        policies.CREATE_PORT_ADDRESS,
        policies.CREATE_PORT_SECURITY,
        policies.CREATE_PORT_PAIRS,
        policies.UPDATE_PORT_MAC,
        policies.UPDATE_PORT_FIXED_IPS,
        policies.UPDATE_PORT_ADDRESS,
        policies.UPDATE_PORT_SECURITY,
        policies.UPDATE_PORT_PAIRS,
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
    "allowed_address_pairs": [],
    "device_id": "",
    "device_owner": "",
    "binding:host_id": "",
    "binding:profile": {},
    "binding:vnic_type": "normal",
}
"""What a new thing is anyway: saying so needs no right."""
SERVICES_OWN = (COMPUTE, "network:")
"""Owners of ports that only services are."""


def choose_project(caller: Caller, rule: str, values: Mapping[str, Any]) -> str:
    """The project of a new thing: the caller's own, or the one that is asked for, where the caller
    may make such.

    Raises:
        PolicyRefused: the caller may not. Neutron: 400.
        BadReference: there is no such project.
    """
    asked: str | None = values["project_id"]
    if asked is None or asked == caller.project_id:
        return caller.project_id
    permit_on(caller, rule, asked)
    if not project_exists(asked):
        raise BadReference(f"There is no project {asked}.", field="project_id")
    return asked


def permit_create(
    caller: Caller,
    rule: str,
    project_id: str,
    values: Mapping[str, Any],
    given: Collection[str],
    *,
    network: Network | None = None,
) -> None:
    """Check that the caller may make such an object. ``given`` are the keys of the request.

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
    row: Network | Subnet | Port | Router | AddressScope | SubnetPool,
    values: Mapping[str, Any],
    given: Collection[str],
) -> None:
    """Check that the caller may change these keys; raises as ``permit_create``."""
    network = row.network if isinstance(row, Subnet | Port) else None
    permit(caller, rule, row.project_id, network)
    for attribute_rule in _attribute_rules(rule, values, given):
        permit(caller, attribute_rule, row.project_id, network)
    if isinstance(row, Port) and _claims(row, values, given):
        permit(caller, policies.UPDATE_PORT_DEVICE_OWNER, row.project_id, network)


def permit_delete_port(caller: Caller, port: Port) -> None:
    """Check that the caller may delete the port. A server's port needs a further rule: normally
    compute deletes it, when the interface is detached.
    """
    permit(caller, policies.DELETE_PORT, port.project_id)
    if port.device_owner.startswith(COMPUTE):
        permit(caller, policies.DELETE_PORT_OF_SERVER, port.project_id)


def permit(caller: Caller, rule: str, project_id: str, network: Network | None = None) -> None:
    """Check that the rule is granted in the project that counts (see the module's docstring).
    ``network`` is the network of the object.

    Raises:
        PolicyRefused: it is not.
    """
    if network is None:
        permit_on(caller, rule, project_id)
    elif rule in OF_NETWORK:
        permit_on(caller, rule, network.project_id)
    elif rule in OF_SHARED_NETWORK:
        permit_on(caller, rule, project_id)
        if not network.shared and not _is_opened(caller, network):
            permit_on(caller, rule, network.project_id)
    elif rule not in NETWORKS_TOO or not may_on(caller, rule, network.project_id):
        permit_on(caller, rule, project_id)


def _is_opened(caller: Caller, network: Network) -> bool:
    """Was the network of another project shared with that of the caller?"""
    own = network.project_id == caller.project_id
    opened = NetworkAccess.objects.filter(action=SHARED).reaching(caller.project_id)
    return not own and opened.filter(network=network.pk).exists()


def hide(caller: Caller, rule: str, project_id: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """``shown`` without the keys whose rule the caller does not hold."""
    return {
        key: value
        for key, value in shown.items()
        if f"{rule}:{key}" not in registry or may_on(caller, f"{rule}:{key}", project_id)
    }


def _attribute_rules(rule: str, values: Mapping[str, Any], keys: Collection[str]) -> Iterator[str]:
    """The rules of the keys, and of the keys within ``fixed_ips`` and ``external_gateway_info``."""
    for key in sorted(keys):
        name = f"{rule}:{key}"
        if name in (policies.CREATE_PORT_DEVICE_OWNER, policies.UPDATE_PORT_DEVICE_OWNER):
            if str(values.get(key)).startswith(SERVICES_OWN):
                yield name
        elif name in registry:
            yield name
        if key in ("fixed_ips", "external_gateway_info"):
            found = values.get(key) or ()
            entries = [found] if isinstance(found, Mapping) else found
            within = {
                part for entry in entries for part in entry if entry[part] not in (None, "", [])
            }
            yield from (f"{name}:{part}" for part in sorted(within))


def _claims(port: Port, values: Mapping[str, Any], given: Collection[str]) -> bool:
    """Would the change take a port away from the service that uses it?"""
    kept = port.device_owner.startswith(SERVICES_OWN) and "device_owner" not in given
    return kept and "device_id" in given and values["device_id"] not in ("", port.device_id)

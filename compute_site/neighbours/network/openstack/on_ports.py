"""Changes groups, addresses and floating IPs of servers' ports in a Neutron elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.ids import canonical_ids, is_address
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.openstack import service
from compute_site.neighbours.network.openstack.failures import meaning_of
from compute_site.neighbours.network.openstack.find import read_by_id
from compute_site.neighbours.network.openstack.nics import NAMES, ports_of
from compute_site.neighbours.network.openstack.service import Object
from compute_site.neighbours.network.protocol import (
    FloatingIpData,
    GroupNotApplicable,
    NicFailed,
)
from compute_site.neighbours.ownership import permit_on


@outside_transactions
def add_group(caller: Caller, server_id: str, group_id: str) -> bool:
    ports = _ports(server_id)
    for port in ports:
        permit_on(caller, policies.UPDATE_PORT, port["project_id"])
        if not port.get("port_security_enabled", True) or not port["fixed_ips"]:
            raise GroupNotApplicable(f"Port {port['id']} of the server takes no security groups.")
    for port in ports:
        if group_id not in port["security_groups"]:
            with meaning_of(f"Port {port['id']} takes no such group"):
                _set_groups(port, [*port["security_groups"], group_id])
    return bool(ports)


@outside_transactions
def remove_group(caller: Caller, server_id: str, group_id: str) -> bool:
    held = [port for port in _ports(server_id) if group_id in port["security_groups"]]
    for port in held:
        permit_on(caller, policies.UPDATE_PORT, port["project_id"])
        with meaning_of(f"Port {port['id']} keeps the group"):
            _set_groups(port, [one for one in port["security_groups"] if one != group_id])
    return bool(held)


@outside_transactions
def add_address(caller: Caller, server_id: str, network_id: str) -> bool:
    if not canonical_ids([network_id]):
        return False
    port = next((one for one in _ports(server_id) if one["network_id"] == network_id), None)
    if port is None:
        return False
    _permit_addresses(caller, port)
    subnets = service.read_list("subnets", network_id=network_id)
    if not subnets:
        return False
    with meaning_of(f"Network {network_id} gives no address"):
        _set_addresses(port, [*port["fixed_ips"], {"subnet_id": subnets[0]["id"]}])
    return True


@outside_transactions
def remove_address(caller: Caller, server_id: str, address: str) -> bool:
    if not is_address(address):
        return False
    for port in _ports(server_id):
        left = [fixed for fixed in port["fixed_ips"] if fixed["ip_address"] != address]
        if len(left) < len(port["fixed_ips"]):
            _permit_addresses(caller, port)
            with meaning_of(f"Port {port['id']} keeps its address"):
                _set_addresses(port, left)
            return True
    return False


def find_floating_ip(caller: Caller, address: str) -> FloatingIpData | None:
    if not is_address(address):
        return None
    found = _floating_ips(caller, floating_ip_address=address)
    return found[0] if found else None


def find_floating_ips(
    caller: Caller, ids: Collection[str] | None = None
) -> Sequence[FloatingIpData]:
    caller.permit(policies.GET_FLOATING_IP)
    if ids is None:
        return _floating_ips(caller)
    wanted = [str(one) for one in canonical_ids(ids)]
    return _floating_ips(caller, id=wanted) if wanted else []


@outside_transactions
def take_floating_ip(caller: Caller, network_id: str) -> str:
    caller.permit(policies.CREATE_FLOATING_IP)
    values = {"floating_network_id": network_id, "project_id": caller.project_id}
    with meaning_of("No floating IP can be had", floating=True):
        return str(service.create("floatingips", values)["id"])


@outside_transactions
def give_floating_ip_up(caller: Caller, floating_ip_id: str) -> None:
    _permit_floating(caller, policies.DELETE_FLOATING_IP, floating_ip_id)
    service.delete("floatingips", floating_ip_id)


@outside_transactions
def lend_floating_ip(
    caller: Caller, floating_ip_id: str, server_id: str, fixed_address: str
) -> None:
    _permit_floating(caller, policies.UPDATE_FLOATING_IP, floating_ip_id)
    for port in _ports(server_id):
        if any(fixed["ip_address"] == fixed_address for fixed in port["fixed_ips"]):
            values = {"port_id": port["id"], "fixed_ip_address": fixed_address}
            with meaning_of(f"The floating IP cannot lead to {fixed_address}"):
                service.update("floatingips", floating_ip_id, values)
            return
    raise NicFailed(f"The server has no address {fixed_address}.")


@outside_transactions
def take_back_floating_ip(caller: Caller, floating_ip_id: str) -> None:
    _permit_floating(caller, policies.UPDATE_FLOATING_IP, floating_ip_id)
    service.update("floatingips", floating_ip_id, {"port_id": None})


def _ports(server_id: str) -> list[Object]:
    return ports_of([server_id]).get(server_id, [])


def _set_groups(port: Object, groups: Sequence[str]) -> None:
    service.update("ports", port["id"], {"security_groups": list(groups)})


def _set_addresses(port: Object, addresses: Sequence[Object]) -> None:
    service.update("ports", port["id"], {"fixed_ips": list(addresses)})


def _permit_addresses(caller: Caller, port: Object) -> None:
    for rule in (policies.UPDATE_PORT, policies.UPDATE_PORT_FIXED_IPS):
        permit_on(caller, rule, port["project_id"])


def _permit_floating(caller: Caller, rule: Any, floating_ip_id: str) -> None:
    permit_on(caller, rule, service.read_one("floatingips", floating_ip_id)["project_id"])


def _floating_ips(caller: Caller, **filters: Any) -> list[FloatingIpData]:
    if not caller.is_admin:
        filters["project_id"] = caller.project_id
    found = service.read_list("floatingips", **filters)
    networks = read_by_id("networks", {one["floating_network_id"] for one in found}, fields=NAMES)
    ports = read_by_id(
        "ports", {one["port_id"] for one in found if one["port_id"]}, fields=("id", "device_id")
    )
    return [
        FloatingIpData(
            id=one["id"],
            address=one["floating_ip_address"],
            server_id=ports.get(one["port_id"] or "", {}).get("device_id", ""),
            pool=networks.get(one["floating_network_id"], {}).get("name")
            or one["floating_network_id"],
            fixed_address=one["fixed_ip_address"],
        )
        for one in found
    ]

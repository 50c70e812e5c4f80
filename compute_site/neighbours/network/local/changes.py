"""The changes of the network API to networks, subnets, ports, security groups and their rules."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model, Q

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.access import close_to_all
from compute_site.neighbours.network.local.address_groups import check_address_group
from compute_site.neighbours.network.local.addresses import (
    default_pools,
    makes_own_address,
    overlap,
)
from compute_site.neighbours.network.local.carried import (
    tell_of_groups,
    tell_of_networks,
    tell_of_ports,
)
from compute_site.neighbours.network.local.cutting import choose_range
from compute_site.neighbours.network.local.events import tell_changed, tell_changing
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.missing import NetworkNotFound, SecurityGroupNotFound
from compute_site.neighbours.network.local.ports import (
    check_alike,
    find_group_ids,
    give_addresses,
    give_first_rules,
    save_addresses,
)
from compute_site.neighbours.network.local.qos import check_policy, refresh_requests
from compute_site.neighbours.network.local.rights import (
    choose_project,
    permit,
    permit_create,
    permit_delete_port,
    permit_update,
)
from compute_site.neighbours.network.local.router_ports import check_gateway_free, check_inner
from compute_site.neighbours.network.local.rows import (
    NETWORK_COLUMNS,
    PORT_COLUMNS,
    RULE_COLUMNS,
    SUBNET_COLUMNS,
    UnusableSubnet,
    by_protocol,
    by_remote,
    check_gateway,
    check_modes,
    check_pools,
    check_rule,
    complete_pairs,
    network_row,
    port_row,
    rule_row,
    subnet_row,
)
from compute_site.neighbours.network.local.zones import check_hints
from compute_site.neighbours.network.models import (
    COMPUTE,
    DEFAULT_GROUP,
    EXTERNAL,
    OF_SERVICE,
    ROUTER_INTERFACE,
    SHARED,
    FloatingIp,
    Network,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.network.protocol import NicFailed

UPDATE_RULES: Mapping[type[Model], str] = {
    Network: policies.UPDATE_NETWORK,
    Subnet: policies.UPDATE_SUBNET,
    Port: policies.UPDATE_PORT,
}


HAS_POLICY = Q(network__qos_policy__isnull=False)
LEAST_MTU_OF_IPV6 = 1280
"""RFC 8200, section 5."""


class MacInUse(Conflict):
    """Another port of the network has the MAC address."""

    code = "mac_in_use"


class MtuTooSmall(Conflict):
    """The network has IPv6 subnets, or would get one, and carries too little for IPv6."""

    code = "mtu_too_small"


class PortBound(Conflict):
    """The port is used as it is."""

    code = "port_bound"


class RuleExists(Conflict):
    """The security group has the same rule already."""

    code = "rule_exists"


class RepeatedPair(BadRequest):
    """Two allowed address pairs of a port are the same."""

    code = "repeated_pair"


class PairsNeedSecurity(Conflict):
    """Allowed address pairs are exceptions from port security, and mean nothing without it."""

    code = "pairs_need_port_security"


class GroupsNeedSecurity(BadRequest):
    """Security groups say what passes port security, and mean nothing without it."""

    code = "groups_need_port_security"


class InUse(Conflict):
    """The object to delete is still used by another one."""

    code = "in_use"


@transaction.atomic
def create_network(caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Network:
    project_id = choose_project(caller, policies.CREATE_NETWORK, values)
    permit_create(caller, policies.CREATE_NETWORK, project_id, values, given)
    check_hints(values["availability_zone_hints"])
    check_policy(caller, values.get("qos_policy_id"))
    QUOTAS.check(project_id, network=1)
    network = network_row(values, uuid.uuid4(), project_id)
    network.save(force_insert=True)
    return network


@transaction.atomic
def create_subnet(caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Subnet:
    # locked, so that no other subnet of the network is made at the same time
    network = find_network(caller, values["network_id"], lock=True)
    project_id = choose_project(caller, policies.CREATE_SUBNET, values)
    permit_create(caller, policies.CREATE_SUBNET, project_id, values, given, network=network)
    others = network.subnets.select_related("pool")  # read once the pool is locked
    cidr, pool = choose_range(caller, values, others, project_id)
    subnet = subnet_row({**values, "cidr": cidr}, given, uuid.uuid4(), project_id)
    subnet.pool = pool
    for other in others:
        if overlap(subnet.cidr, other.cidr):
            raise UnusableSubnet(
                f"{subnet.cidr} overlaps with another subnet of this network, {other.cidr}.",
                field="cidr",
            )
    if subnet.ip_version == 6:
        _check_mtu(network.mtu, field="network_id")
    QUOTAS.check(project_id, subnet=1)
    subnet.save(force_insert=True)
    network.note_change()
    tell_of_networks(network.pk)
    return subnet


@transaction.atomic
def create_port(caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Port:
    chosen_mac = values["mac_address"]
    # locked, so that no other port of the network takes the same MAC address meanwhile
    network = find_network(caller, values["network_id"], lock=chosen_mac is not None)
    project_id = choose_project(caller, policies.CREATE_PORT, values)
    permit_create(caller, policies.CREATE_PORT, project_id, values, given, network=network)
    if chosen_mac is not None:
        _check_mac_free(network, chosen_mac)
    check_policy(caller, values.get("qos_policy_id"))
    QUOTAS.check(project_id, port=1)
    port = port_row(values, uuid.uuid4(), project_id)
    if "port_security_enabled" not in given:
        port.port_security_enabled = network.port_security_enabled
    if "fixed_ips" in given and not values["fixed_ips"]:
        port.ip_allocation = "none"
    _settle_options(port, values, given, before=())
    port.save(force_insert=True)
    if port.qos_policy_id is not None or network.qos_policy_id is not None:
        refresh_requests(Port.objects.filter(pk=port.pk), new=True)
        port.refresh_from_db(fields=["resource_request"])
    _give_addresses(port, values, given)
    # Neutron: null is none, and the default group for who says nothing
    none = "security_groups" in given and values["security_groups"] is None
    _give_groups(port, [] if none else values["security_groups"])
    tell_of_ports([port.pk])
    return port


@transaction.atomic
def create_group(
    caller: Caller, values: Mapping[str, Any], given: Collection[str]
) -> SecurityGroup:
    project_id = choose_project(caller, policies.CREATE_GROUP, values)
    permit_create(caller, policies.CREATE_GROUP, project_id, values, given)
    if values["name"] == DEFAULT_GROUP:
        raise Conflict("Each project has its group default; choose another name.", field="name")
    QUOTAS.check(project_id, security_group=1)
    group = SecurityGroup.objects.create(
        name=values["name"],
        description=values["description"],
        stateful=values["stateful"],
        project_id=project_id,
    )
    give_first_rules([group])
    return group


@transaction.atomic
def create_rule(
    caller: Caller,
    values: Mapping[str, Any],
    given: Collection[str],  # noqa: ARG001 - every create function is called alike
) -> SecurityGroupRule:
    seen = SecurityGroup.objects.visible_to(caller)
    group = seen.filter(pk__in=canonical_ids([str(values["security_group_id"])])).first()
    if group is None:
        raise SecurityGroupNotFound(
            f"There is no security group {values['security_group_id']}.", field="security_group_id"
        )
    permit(caller, policies.CREATE_RULE, group.project_id)
    remote = values["remote_group_id"]
    if remote is not None and not seen.filter(pk__in=canonical_ids([str(remote)])).exists():
        raise SecurityGroupNotFound(
            f"There is no security group {remote}.", field="remote_group_id"
        )
    check_address_group(caller, values["remote_address_group_id"])
    check_rule(values)
    rule = rule_row(values, uuid.uuid4(), group)
    # locked, so that the same rule is not made twice at once
    group = SecurityGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    free = ("description", "protocol", "remote_ip_prefix")
    same = {key: getattr(rule, key) for key in RULE_COLUMNS if key not in free}
    twins = group.rules.filter(
        by_remote(rule.remote_ip_prefix), **same, **by_protocol(rule.protocol, rule.ethertype)
    )
    twin = twins.first()
    if twin is not None:
        raise RuleExists(f"The group has this rule already; its id is {twin.pk}.")
    QUOTAS.check(group.project_id, security_group_rule=1)
    rule.save(force_insert=True)
    group.note_change()
    tell_of_groups(group.pk)
    return rule


@transaction.atomic
def change(
    caller: Caller, row: Network | Subnet | Port, values: Mapping[str, Any], given: Collection[str]
) -> None:
    """Set the given values, for ports also the holder and the security groups."""
    permit_update(caller, UPDATE_RULES[type(row)], row, values, given)
    columns: Mapping[str, str] = {
        Network: NETWORK_COLUMNS,
        Subnet: SUBNET_COLUMNS | {key: key for key in ("gateway_ip", "allocation_pools")},
        Port: PORT_COLUMNS | {"mac_address": "mac_address"},
    }[type(row)]
    changed = [column for column, key in columns.items() if key in given]
    _check_parts(row, values, changed)
    kept_options = row.extra_dhcp_opts if isinstance(row, Port) else ()
    holders = _holders(row, values, changed)
    tell_changing(holders)
    _tell_carriers(row)
    for column in changed:
        setattr(row, column, values[columns[column]])
    if isinstance(row, Subnet):
        check_modes(row)
    if isinstance(row, Subnet) and {"gateway_ip", "allocation_pools"}.intersection(changed):
        check_gateway(row.cidr, row.gateway_ip)
        row.allocation_pools = row.allocation_pools or default_pools(row.cidr, row.gateway_ip)
        check_pools(row.cidr, row.allocation_pools, row.gateway_ip)
    if isinstance(row, Port):
        _settle_options(row, values, given, before=kept_options)
    if changed:
        row.save(update_fields=changed)
    row.note_change()
    _follow_policies(caller, row, changed)
    if isinstance(row, Port):
        if "security_groups" in given:
            _give_groups(row, values["security_groups"] or [])
        elif not row.port_security_enabled and row.security_groups.exists():
            raise NicFailed("A port without port security takes no security groups.")
        if "fixed_ips" in given:
            _change_addresses(row, values, given)
    tell_changed(holders)
    if isinstance(row, Port):
        _tell_carriers(row)  # of what is now


@transaction.atomic
def change_group(
    caller: Caller, group: SecurityGroup, values: Mapping[str, Any], given: Collection[str]
) -> None:
    permit(caller, policies.UPDATE_GROUP, group.project_id)
    renamed = "name" in given and values["name"] != group.name
    if renamed and DEFAULT_GROUP in (group.name, values["name"]):
        raise Conflict("The name default belongs to one group of each project.", field="name")
    if "stateful" in given and values["stateful"] != group.stateful and group.ports.exists():
        raise InUse(f"Ports are in security group {group.pk}; they need it as it is.")
    changed = [key for key in ("name", "description", "stateful") if key in given]
    holders = _servers_of(group.ports) if renamed else set()
    tell_changing(holders)
    for key in changed:
        setattr(group, key, values[key])
    group.save(update_fields=changed)
    group.note_change()
    tell_changed(holders)


@transaction.atomic
def change_rule(
    caller: Caller,
    rule: SecurityGroupRule,
    values: Mapping[str, Any],
    given: Collection[str],  # noqa: ARG001 - every change function is called alike
) -> None:
    """Only the description of a rule changes."""
    permit(caller, policies.CREATE_RULE, rule.group.project_id)
    rule.description = values["description"]
    rule.save(update_fields=["description"])


def delete_network(caller: Caller, network: Network) -> None:
    """Neutron: floating IPs of it that are on no port go with it, whoever has them."""
    permit(caller, policies.DELETE_NETWORK, network.project_id)
    with transaction.atomic():
        unused = FloatingIp.objects.filter(outside__network=network, port=None)
        Port.objects.filter(pk__in=unused.values("outside")).delete()
        if network.ports.exists():
            raise InUse(f"Network {network.pk} still has ports.")
        network.delete()


def delete_subnet(caller: Caller, subnet: Subnet) -> None:
    """Neutron: addresses that guests make themselves go with it, but for those of routers."""
    permit(caller, policies.DELETE_SUBNET, subnet.project_id, subnet.network)
    held = subnet.fixed_ips.all()
    if makes_own_address(subnet):
        held = held.filter(port__device_owner__in=OF_SERVICE)
    if held.exists():
        raise InUse(f"Ports still have addresses of subnet {subnet.pk}.")
    with transaction.atomic():
        holders = _servers_of(Port.objects.filter(fixed_ips__subnet=subnet))
        tell_changing(holders)
        tell_of_networks(subnet.network_id)
        subnet.delete()
        tell_changed(holders)


def delete_port(caller: Caller, port: Port) -> None:
    permit_delete_port(caller, port)
    if port.device_owner in OF_SERVICE:
        raise InUse(f"Port {port.pk} goes with what it is for: {port.device_owner}.")
    with transaction.atomic():
        tell_changing({port.device_id})
        tell_of_ports([port.pk])
        port.delete()
        tell_changed({port.device_id})


def delete_group(caller: Caller, group: SecurityGroup) -> None:
    permit(caller, policies.DELETE_GROUP, group.project_id)
    if group.name == DEFAULT_GROUP and not caller.is_admin:
        raise InUse("The group default of a project stays.")
    if group.ports.exists():
        raise InUse(f"Ports are still in security group {group.pk}.")
    group.delete()


def delete_rule(caller: Caller, rule: SecurityGroupRule) -> None:
    permit(caller, policies.DELETE_RULE, rule.group.project_id)
    with transaction.atomic():
        rule.delete()
        rule.group.note_change()
        tell_of_groups(rule.group_id)


def _check_parts(
    row: Network | Subnet | Port, values: Mapping[str, Any], changed: Collection[str]
) -> None:
    """Check that nothing of the service's own is lost by the change: gateways and addresses of
    routers, addresses of floating IPs; and that a network still carries what its subnets need.

    Raises:
        Conflict: something would be.
    """
    if isinstance(row, Network) and "external" in changed and not values["router:external"]:
        check_inner(row)
        close_to_all(row, EXTERNAL)
    if isinstance(row, Network) and "shared" in changed and not values["shared"]:
        close_to_all(row, SHARED)
    if isinstance(row, Network) and "mtu" in changed and row.subnets.filter(ip_version=6).exists():
        _check_mtu(values["mtu"], field="mtu")
    if isinstance(row, Port) and "mac_address" in changed:
        _check_mac(row, values["mac_address"])
    moved = "gateway_ip" in changed and values["gateway_ip"] != getattr(row, "gateway_ip", None)
    if isinstance(row, Subnet) and moved:
        check_gateway(row.cidr, values["gateway_ip"])
        check_gateway_free(row)
    if isinstance(row, Port) and row.device_owner in OF_SERVICE:
        kept = {"device_id": row.device_id, "device_owner": row.device_owner}
        if any(key in changed and values[key] != word for key, word in kept.items()):
            raise InUse(f"Port {row.pk} stays what it is: {row.device_owner}.")


def _check_mtu(mtu: int, *, field: str) -> None:
    """Raises ``MtuTooSmall`` where a network of this MTU carries no IPv6."""
    if mtu < LEAST_MTU_OF_IPV6:
        raise MtuTooSmall(
            f"IPv6 subnets need a network with an MTU of {LEAST_MTU_OF_IPV6} or more, not {mtu}.",
            field=field,
        )


def _check_mac(port: Port, mac: str) -> None:
    """Check that the port may have this MAC address from now on.

    Raises:
        PortBound: a server or a router uses the one that it has.
        MacInUse: another port of the network has it.
    """
    if mac == port.mac_address:
        return
    if port.device_owner.startswith(COMPUTE) or port.device_owner in OF_SERVICE:
        raise PortBound(
            f"Port {port.pk} is in use as {port.device_owner}; its MAC address stays.",
            field="mac_address",
        )
    _check_mac_free(Network.objects.select_for_update(no_key=True).get(pk=port.network_id), mac)


def _check_mac_free(network: Network, mac: str) -> None:
    """Raises ``MacInUse`` where a port of the network, which is locked, has it."""
    if network.ports.filter(mac_address=mac).exists():
        raise MacInUse(f"A port of the network has {mac} already.", field="mac_address")


def _holders(
    row: Network | Subnet | Port, values: Mapping[str, Any], changed: Collection[str]
) -> set[str]:
    """The servers that show the change: for a port, its server before and after; for a renamed
    network, all servers on it.
    """
    if isinstance(row, Port):
        return {row.device_id, values["device_id"] if "device_id" in changed else ""}
    if isinstance(row, Network) and "name" in changed and values["name"] != row.name:
        return _servers_of(row.ports)
    return set()


def _tell_carriers(row: Network | Subnet | Port) -> None:
    if isinstance(row, Port):
        tell_of_ports([row.pk])
    else:
        tell_of_networks(row.pk if isinstance(row, Network) else row.network_id)


def _servers_of(ports: Any) -> set[str]:
    """The servers that have any of the ports, which are a relation of another row."""
    owned = ports.filter(device_owner__startswith=COMPUTE)
    return set(owned.values_list("device_id", flat=True))


def _follow_policies(
    caller: Caller, row: Network | Subnet | Port, changed: Collection[str]
) -> None:
    """Let the port, or the ports of the network, ask for what their QoS policies say.

    Raises:
        QosPolicyNotFound: the caller sees no such policy.
        ServersBound: a server has one of the ports, and it would ask for something else.
    """
    if isinstance(row, Network | Port) and "qos_policy_id" in changed:
        check_policy(caller, row.qos_policy_id)
    if isinstance(row, Port):
        has_policy = row.qos_policy_id is not None or row.network.qos_policy_id is not None
        if "qos_policy_id" in changed or (has_policy and "vnic_type" in changed):
            refresh_requests(Port.objects.filter(pk=row.pk))
    elif isinstance(row, Network) and "qos_policy_id" in changed:
        refresh_requests(row.ports.filter(qos_policy=None))
    elif isinstance(row, Network) and "physical_network" in changed:
        refresh_requests(row.ports.filter(Q(qos_policy__isnull=False) | HAS_POLICY))


def find_network(
    caller: Caller, network_id: uuid.UUID, *, lock: bool = False, field: str = "network_id"
) -> Network:
    """Raises ``NetworkNotFound`` where the caller sees no such network."""
    visible = Network.objects.visible_to(caller)
    if lock:
        visible = visible.select_for_update(no_key=True)
    network = visible.filter(pk=network_id).first()
    if network is None:
        raise NetworkNotFound(f"There is no network {network_id}.", field=field)
    return network


def _give_addresses(port: Port, values: Mapping[str, Any], given: Collection[str]) -> None:
    """Give the port what is asked for, or, if nothing is, one address of each IP version."""
    if "fixed_ips" in given:
        give_addresses(port, values["fixed_ips"] or [])
    elif port.ip_allocation == "immediate":
        save_addresses([(port, None)])


def _change_addresses(port: Port, values: Mapping[str, Any], given: Collection[str]) -> None:
    """Give the port the asked addresses instead of those that it has. Where a subnet is named
    without one, it keeps the one that it has there.

    Raises:
        InUse: something else of the service needs them.
    """
    before: dict[uuid.UUID, list[str]] = {}
    for held in port.fixed_ips.order_by("pk"):
        before.setdefault(held.subnet_id, []).append(held.address)
    subnets = set(before)
    if port.device_owner in OF_SERVICE and port.device_owner != ROUTER_INTERFACE:
        raise InUse(f"The addresses of port {port.pk} are those of the {port.device_owner}.")
    asked = [dict(entry) for entry in values["fixed_ips"] or ()]
    for entry in asked:
        kept = before.get(entry["subnet_id"], [])
        if entry["ip_address"] is None and kept:
            entry["ip_address"] = kept.pop(0)
    port.fixed_ips.all().delete()
    _give_addresses(port, {**values, "fixed_ips": asked}, given)
    if port.device_owner == ROUTER_INTERFACE:
        after = set(port.fixed_ips.values_list("subnet", flat=True))
        if after != subnets:
            raise InUse(f"Port {port.pk} keeps its router in the subnets where it is.")


def _settle_options(
    port: Port,
    values: Mapping[str, Any],
    given: Collection[str],
    *,
    before: Sequence[Mapping[str, Any]],
) -> None:
    """Complete the address pairs and DHCP options of a port. An option replaces the one of its
    name and IP version among those of ``before``; without a value it removes it.

    Raises:
        RepeatedPair: two address pairs are the same.
        PairsNeedSecurity: there are pairs on a port without port security.
    """
    pairs = complete_pairs(port)
    if len({tuple(pair.values()) for pair in pairs}) < len(pairs):
        raise RepeatedPair(
            "allowed_address_pairs: a pair is named twice.", field="allowed_address_pairs"
        )
    if pairs and not port.port_security_enabled:
        raise PairsNeedSecurity(
            "A port without port security takes no address pairs.", field="allowed_address_pairs"
        )
    port.allowed_address_pairs = pairs
    if "extra_dhcp_opts" in given:
        options = {(option["opt_name"], option["ip_version"]): option for option in before}
        for option in values["extra_dhcp_opts"] or ():
            options[option["opt_name"], option["ip_version"]] = option
        port.extra_dhcp_opts = [one for one in options.values() if one["opt_value"] is not None]


def _give_groups(port: Port, group_ids: Collection[uuid.UUID] | None) -> None:
    """Put the port into these groups; ``None``: the default one, or none without port security."""
    if not port.port_security_enabled:
        if group_ids:
            raise GroupsNeedSecurity(
                "A port without port security takes no security groups.", field="security_groups"
            )
        port.security_groups.clear()
        return
    wanted = find_group_ids(port.project_id, []) if group_ids is None else list(group_ids)
    found = SecurityGroup.objects.filter(pk__in=wanted, project=port.project_id)
    missing = set(wanted) - {group.pk for group in found}
    if missing:
        told = ", ".join(sorted(map(str, missing)))
        raise SecurityGroupNotFound(f"There is no security group {told}.", field="security_groups")
    check_alike(group.stateful for group in found)
    port.security_groups.set(found)

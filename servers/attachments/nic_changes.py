"""Attaches and detaches NICs of a server. The port and its addresses are made at once; the server's
host plugs the NIC later.
"""

from __future__ import annotations

import dataclasses
import logging

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import Fault
from compute_site.neighbours import network_service
from compute_site.neighbours.network import protocol
from compute_site.neighbours.network.policies import ATTACH_EXTERNAL_NETWORK
from compute_site.neighbours.network.protocol import NicFailed, NicRequest, PortData
from servers.attachments.changes import (
    ATTACH_INTERFACE,
    DETACH_INTERFACE,
    about,
    check_ready,
    hand_over,
    lock_server,
)
from servers.attachments.errors import (
    AddressNotUsable,
    ContradictoryPort,
    ExternalNetworkBarred,
    NetworkUnclear,
    NoSuchNetwork,
    NoSuchPort,
    PortLimitReached,
    PortNotUsable,
    PortTaken,
)
from servers.attachments.network_events import Reading, are_elsewhere, refresh_nics, with_nics
from servers.attachments.ports import find_port
from servers.holdings.ask_first import take_precaution
from servers.lifecycle.acting import acting_for
from servers.lifecycle.jobs import AttachInterface, DetachInterface, TakeBackNics
from servers.models import Instance
from servers.placement.hot_plug import HostLacks, plug_in
from servers.placement.port_needs import ACCELERATOR_TYPES, SRIOV_TYPES

logger = logging.getLogger(__name__)

ANSWERS: dict[type[NicFailed], type[Exception]] = {
    protocol.NoAddressLeft: AddressNotUsable,
    protocol.AddressOutside: AddressNotUsable,
    protocol.PortCannotBind: PortNotUsable,
    protocol.PortQuotaReached: PortLimitReached,
}
"""The error that the client gets for a failure of the network service; any other is a 409."""


def attach_nic(caller: Caller, instance: Instance, wanted: NicRequest) -> protocol.AttachedPort:
    """Begin to attach a NIC; return its port.

    Raises:
        ContradictoryPort: a port and a network, or an address without a network.
        ServerLocked, WrongState: 409.
        NoSuchPort, NoSuchNetwork: 404.
        PortNotUsable, NetworkUnclear, AddressNotUsable: 400.
        ExternalNetworkBarred, PortLimitReached: 403.
        PortTaken, NicFailed: the port or the address is in use.
    """
    _check_request(wanted)
    check_ready(caller, instance, ATTACH_INTERFACE)
    owner = acting_for(caller, instance)
    request, port = _look_up(owner, instance, wanted)
    if are_elsewhere():
        return _attach_elsewhere(caller, owner, instance, request, port)
    with transaction.atomic():
        server = lock_server(caller, instance, ATTACH_INTERFACE)
        if port is not None:
            _take_of_host(server, port)
        port_id = _plug(owner, server, request)
        refresh_nics([str(server.uuid)])
        hand_over(caller, server, AttachInterface(**about(caller, server), port_id=port_id))
    return find_port(instance, port_id)


def _attach_elsewhere(
    caller: Caller, owner: Caller, instance: Instance, request: NicRequest, port: PortData | None
) -> protocol.AttachedPort:
    """The port is made before our transaction. Where that fails, the port goes at once; where this
    process dies, by a job.
    """
    if port is not None and (port.vnic_type in SRIOV_TYPES or port.resource_request):
        raise PortNotUsable(
            f"Port {port.id} takes a device or bandwidth of the host, of which a network service "
            "elsewhere must know when it binds the port: name it when the server is made."
        )
    server_id = str(instance.uuid)
    precaution = take_precaution(TakeBackNics(server_id=server_id))
    port_id = _plug(owner, instance, request)

    def write(reading: Reading) -> None:
        with transaction.atomic():
            server = lock_server(caller, instance, ATTACH_INTERFACE)
            refresh_nics([server_id], reading=reading)
            hand_over(caller, server, AttachInterface(**about(caller, server), port_id=port_id))
            precaution.keep()

    try:
        with_nics([server_id], write)
    except Fault:
        _unplug_quietly(server_id, port_id)
        raise
    return find_port(instance, port_id)


def _unplug_quietly(server_id: str, port_id: str) -> None:
    try:
        network_service().unplug(server_id, port_id)
    except Fault as fault:
        logger.warning("port %s is taken from its server later: %s", port_id, fault.detail)


def detach_nic(caller: Caller, instance: Instance, port_id: str) -> None:
    """Begin to detach a NIC. Nova: that the server does not have the port is noticed only by its
    host, and shown in the history.

    Raises:
        ServerLocked, WrongState: 409.
    """
    check_ready(caller, instance, DETACH_INTERFACE)
    with transaction.atomic():
        server = lock_server(caller, instance, DETACH_INTERFACE)
        hand_over(caller, server, DetachInterface(**about(caller, server), port_id=port_id))


def _check_request(wanted: NicRequest) -> None:
    if wanted.network_id is not None and wanted.port_id is not None:
        raise ContradictoryPort(
            "Name a port or a network, not both.", field="interfaceAttachment.port_id"
        )
    if wanted.fixed_ip is not None and wanted.network_id is None:
        raise ContradictoryPort(
            "Name the network of the address.", field="interfaceAttachment.fixed_ips"
        )


def _look_up(
    owner: Caller, instance: Instance, wanted: NicRequest
) -> tuple[NicRequest, PortData | None]:
    """The request with its network, which is the only possible one where none is named, and the
    port that it names.
    """
    if wanted.port_id is not None:
        port = network_service().find_ports(owner, [wanted.port_id]).get(wanted.port_id)
        if port is None:
            raise NoSuchPort(f"There is no port {wanted.port_id}.")
        _check_port(instance, port)
        return wanted, port
    if wanted.network_id is None:
        network = _only_network(owner)
    else:
        found = network_service().find_networks(owner, [wanted.network_id]).get(wanted.network_id)
        if found is None:
            raise NoSuchNetwork(f"There is no network {wanted.network_id}.")
        network = found
    if network.external and not network.shared and not owner.may(ATTACH_EXTERNAL_NETWORK):
        raise ExternalNetworkBarred(
            f"Network {network.id} is external: a server may stand on it only with the policy "
            f"rule {ATTACH_EXTERNAL_NETWORK}."
        )
    return dataclasses.replace(wanted, network_id=network.id), None


def _take_of_host(server: Instance, port: PortData) -> None:
    try:
        plug_in(server, port)
    except HostLacks as reason:
        raise PortNotUsable(f"Port {port.id} cannot be attached. {reason}") from reason


def _check_port(instance: Instance, port: PortData) -> None:
    if port.device_profile is not None or port.vnic_type in ACCELERATOR_TYPES:
        raise PortNotUsable(f"Port {port.id} has an accelerator; there is none here.")
    if port.project_id != instance.project_id:
        raise PortNotUsable(f"Port {port.id} belongs to another project than the server.")
    if port.device_id:
        raise PortTaken(f"Port {port.id} is in use already.")


def _only_network(owner: Caller) -> protocol.NetworkData:
    offered = network_service().available_networks(owner)
    if len(offered) != 1:
        many = "has several networks" if offered else "has no network"
        raise NetworkUnclear(f"The project {many} to choose from; name one as net_id.")
    return offered[0]


def _plug(owner: Caller, server: Instance, request: NicRequest) -> str:
    try:
        return network_service().plug(owner, str(server.uuid), server.host or "", request)
    except NicFailed as failure:
        answer = ANSWERS.get(type(failure))
        if answer is None:
            raise
        raise answer(failure.detail) from failure

"""Gives servers ports of a Neutron elsewhere, and takes them away.

Everything here may run again after a crash at any place: a port that a server has already, by its
``device_id``, is taken for the NIC that asks for it. Ports that existed before are noted before
they are bound, so that no crash lets them be deleted with the server.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.elsewhere.faults import ConflictThere, NotThere
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.models import COMPUTE, HeldPort
from compute_site.neighbours.network.openstack import service
from compute_site.neighbours.network.openstack.failures import meaning_of
from compute_site.neighbours.network.openstack.find import (
    look_up_groups,
    look_up_networks,
    offered_networks,
)
from compute_site.neighbours.network.openstack.nics import describe, notes_of, ports_of
from compute_site.neighbours.network.openstack.service import Object
from compute_site.neighbours.network.protocol import (
    BindingRefused,
    Connection,
    NetworkData,
    Nic,
    NicFailed,
    NicRequest,
    Profiles,
)
from compute_site.neighbours.ownership import permit_on
from compute_site.values.words import is_canonical

logger = logging.getLogger(__name__)

DEVICE_OWNER = f"{COMPUTE}nova"
UNBOUND = "binding_failed"
NOTHING: dict[str, Any] = {"device_id": "", "device_owner": "", "binding:host_id": ""}
DEFAULT_GROUP = "default"
PROFILE = "binding:profile"
OF_HOST = frozenset(("allocation", "pci_slot", "pci_vendor_info", "physical_network"))
"""What a profile says of the host that the port is bound on; the rest is the port's own."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Nic:
    """A NIC that a server shall have: a port that exists, or a new one on a network."""

    position: int
    network_id: str
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


@outside_transactions
def connect(
    caller: Caller,
    server_id: str,
    host: str,
    requests: Sequence[NicRequest] | str,
    security_groups: Sequence[str],
) -> tuple[Nic, ...]:
    wanted = Connection(
        caller=caller,
        server_id=server_id,
        host=host,
        requests=requests,
        security_groups=security_groups,
    )
    return connect_all([wanted])[server_id]


@outside_transactions
def connect_all(connections: Sequence[Connection]) -> dict[str, tuple[Nic, ...]]:
    held = ports_of([one.server_id for one in connections])
    for one in connections:
        ports = held.get(one.server_id, [])
        held[one.server_id] = _complete(one, _plan(one), ports)
    found = describe({server_id: ports for server_id, ports in held.items() if ports})
    return {one.server_id: found.get(one.server_id, ()) for one in connections}


@outside_transactions
def plug(caller: Caller, server_id: str, host: str, request: NicRequest) -> str:
    before = ports_of([server_id]).get(server_id, [])
    notes = notes_of(port["id"] for port in before)
    last = max((note.position for note in notes.values()), default=len(before) - 1)
    wanted = Connection(
        caller=caller, server_id=server_id, host=host, requests=[request], security_groups=()
    )
    plan = [dataclasses.replace(nic, position=last + 1) for nic in _plan(wanted)]
    ports = _make(wanted, plan)
    try:
        _check_bound(ports)
    except BindingRefused:
        _free_quietly(ports)
        raise
    return str(ports[0]["id"])


@outside_transactions
def unplug(server_id: str, port_id: str) -> None:
    _free([port for port in _all_of([server_id]) if port["id"] == port_id])


@outside_transactions
def disconnect(server_ids: Collection[str]) -> None:
    if server_ids:
        _free(_all_of(server_ids))
        HeldPort.objects.filter(server_id__in=server_ids).delete()


@outside_transactions
def rebind(
    server_id: str, host: str, profiles: Profiles | None = None, *, arrived: bool = False
) -> None:
    refusals = []
    for port in ports_of([server_id]).get(server_id, []):
        if not host:
            _unbind(port)
            continue
        try:
            _bind(port, host, profiles or {}, arrived=arrived)
        except BindingRefused as refusal:
            if not arrived:
                raise
            refusals.append(refusal)
    if refusals:
        raise refusals[0]


@outside_transactions
def prepare_move(server_id: str, host: str) -> None:
    for port in ports_of([server_id]).get(server_id, []):
        if port["binding:host_id"] != host:
            with meaning_of(f"Port {port['id']} cannot be bound on {host}"):
                _bind_beside(port, host, _profile(port, {}))


@outside_transactions
def forget_move(server_id: str, host: str) -> None:
    for port in ports_of([server_id]).get(server_id, []):
        if port["binding:host_id"] != host:
            _forget_binding(port["id"], host)


def _all_of(server_ids: Collection[str]) -> list[Object]:
    return [port for ports in ports_of(server_ids).values() for port in ports]


def _plan(wanted: Connection) -> list[_Nic]:
    """What the server shall have.

    Raises:
        NicFailed: something does not exist, is ambiguous, or may not be used.
    """
    caller, requests = wanted.caller, wanted.requests
    if requests == "none":
        return []
    if isinstance(requests, str) or not requests:
        return _choose(caller, allocate=requests == "auto")
    ids = [one.network_id for one in requests if one.port_id is None and one.network_id]
    networks = look_up_networks(caller, ids) if ids else {}
    return [_nic(caller, place, one, networks) for place, one in enumerate(requests)]


def _choose(caller: Caller, *, allocate: bool) -> list[_Nic]:
    offered = offered_networks(caller)
    if len(offered) > 1:
        raise NicFailed("The project can use several networks; name one of them.")
    if offered:
        network_id = offered[0].id
    elif allocate:
        with meaning_of("No network can be made for the project"):
            network_id = service.read_one("auto-allocated-topology", caller.project_id)["id"]
    else:
        return []
    return [_Nic(position=0, network_id=network_id)]


def _nic(
    caller: Caller, position: int, request: NicRequest, networks: Mapping[str, NetworkData]
) -> _Nic:
    if request.port_id is not None:
        return _Nic(position=position, network_id="", port_id=request.port_id, tag=request.tag)
    network = networks.get(request.network_id or "")
    if network is None:
        raise NicFailed(f"Network {request.network_id} does not exist.")
    if network.external and not network.shared and not caller.may(policies.ATTACH_EXTERNAL_NETWORK):
        raise NicFailed(
            f"Network {network.id} is external: a server may stand on it only with the policy "
            f"rule {policies.ATTACH_EXTERNAL_NETWORK}."
        )
    if request.fixed_ip is not None:
        permit_on(caller, policies.CREATE_PORT_ADDRESS, network.project_id)
    return _Nic(
        position=position, network_id=network.id, fixed_ip=request.fixed_ip, tag=request.tag
    )


def _complete(wanted: Connection, plan: Sequence[_Nic], ports: Sequence[Object]) -> list[Object]:
    """The server's ports, bound on its host: those that an earlier call made, and what is missing
    of them.
    """
    left = list(ports)
    found: dict[int, Object] = {}
    for nic in plan:
        port = next((port for port in left if _fits(port, nic)), None)
        if port is not None:
            left.remove(port)
            found[nic.position] = port
    if not plan:  # what a NIC chosen by itself was, the port itself says
        found = dict(enumerate(left))
        left = []
    missing = [nic for nic in plan if nic.position not in found]
    for place, port in found.items():
        found[place] = _bind(port, wanted.host, wanted.profiles)
    _note(wanted, [nic for nic in plan if nic not in missing], found)
    made = _make(wanted, missing)
    _check_bound(made)  # where that fails, the next host binds them
    found |= {nic.position: port for nic, port in zip(missing, made, strict=True)}
    return [*(found[place] for place in sorted(found)), *left]


def _fits(port: Object, nic: _Nic) -> bool:
    if nic.port_id is not None:
        return bool(port["id"] == nic.port_id)
    addresses = [fixed["ip_address"] for fixed in port["fixed_ips"]]
    on_network = port["network_id"] == nic.network_id
    return on_network and (nic.fixed_ip is None or nic.fixed_ip in addresses)


def _make(wanted: Connection, plan: Sequence[_Nic]) -> list[Object]:
    """Bind the given ports and make the new ones; all of them, or none."""
    given = [nic for nic in plan if nic.port_id is not None]
    new = [nic for nic in plan if nic.port_id is None]
    bound: dict[int, Object] = {}
    try:
        for nic in given:
            bound[nic.position] = _take(wanted, nic)
        made = _create(wanted, new) if new else []
    except Exception:
        _free_quietly(bound.values())
        raise
    bound |= {nic.position: port for nic, port in zip(new, made, strict=True)}
    _note(wanted, new, bound)
    return [bound[nic.position] for nic in plan]


def _take(wanted: Connection, nic: _Nic) -> Object:
    """Bind a port that exists; that it is free was seen before, and is looked at again."""
    port_id, caller = str(nic.port_id), wanted.caller
    try:
        port = service.read_one("ports", port_id)
    except NotThere:
        raise NicFailed(f"Port {port_id} does not exist.") from None
    if port["device_id"]:
        raise NicFailed(f"Port {port_id} is in use by another server.")
    for rule in (policies.UPDATE_PORT, policies.UPDATE_PORT_DEVICE_ID):
        permit_on(caller, rule, port["project_id"])
    HeldPort.objects.update_or_create(
        port_id=port_id,
        defaults={
            "server_id": wanted.server_id,
            "position": nic.position,
            "tag": nic.tag,
            "given": True,
        },
    )
    with meaning_of(f"Port {port_id} cannot be used"):
        profile = _changed_profile(port, wanted.profiles)
        return service.update("ports", port_id, {**_owner(wanted), **profile})


def _create(wanted: Connection, plan: Sequence[_Nic]) -> list[Object]:
    caller = wanted.caller
    caller.permit(policies.CREATE_PORT)
    groups = _groups(wanted)
    rows = [
        {
            "network_id": nic.network_id,
            "project_id": caller.project_id,
            "admin_state_up": True,
            **_owner(wanted),
            **({"fixed_ips": [{"ip_address": nic.fixed_ip}]} if nic.fixed_ip else {}),
            **({"security_groups": groups} if groups else {}),
        }
        for nic in plan
    ]
    with meaning_of("A port cannot be made"):
        return service.create_all("ports", rows)


def _owner(wanted: Connection) -> dict[str, Any]:
    return {
        "device_id": wanted.server_id,
        "device_owner": DEVICE_OWNER,
        "binding:host_id": wanted.host,
    }


def _groups(wanted: Connection) -> list[str]:
    """The ids of the asked groups; none where the project's default one is meant alone, which
    Neutron takes by itself.
    """
    asked = [word for word in wanted.security_groups if word != DEFAULT_GROUP]
    if not asked:
        return []
    names = [word for word in wanted.security_groups if not is_canonical(word)]
    ids = {found.name: found.id for found in look_up_groups(wanted.caller, names)}
    return [ids.get(word, word) for word in wanted.security_groups]


def _note(wanted: Connection, plan: Iterable[_Nic], ports: Mapping[int, Object]) -> None:
    """Note order and tags of these NICs; what is noted already stays."""
    notes = [
        HeldPort(
            port_id=ports[nic.position]["id"],
            server_id=wanted.server_id,
            position=nic.position,
            tag=nic.tag,
            given=nic.port_id is not None,
        )
        for nic in plan
    ]
    HeldPort.objects.bulk_create(notes, ignore_conflicts=True)


def _profile(port: Object, profiles: Profiles) -> dict[str, Any]:
    """The profile of the port on a host of which it has that."""
    own = {key: value for key, value in (port.get(PROFILE) or {}).items() if key not in OF_HOST}
    return {**own, **profiles.get(port["id"], {})}


def _changed_profile(port: Object, profiles: Profiles) -> dict[str, Any]:
    """The key of the profile, where it is to be another one."""
    profile = _profile(port, profiles)
    return {} if profile == (port.get(PROFILE) or {}) else {PROFILE: profile}


def _bind(port: Object, host: str, profiles: Profiles, *, arrived: bool = False) -> Object:
    """Bind the port on the host. Its other binding ends only when the new one holds, or, with
    ``arrived``, before.
    """
    profile = _changed_profile(port, profiles)
    fine = port["binding:host_id"] == host and port["binding:vif_type"] != UNBOUND
    if fine and not profile:
        return port
    old = port["binding:host_id"]
    with meaning_of(f"Port {port['id']} cannot be bound on {host}"):
        if arrived and old and old != host:
            _forget_binding(port["id"], host)  # the second one, which an attempt may have left
            old = ""
        if not old or old == host or not _bind_beside(port, host, _profile(port, profiles)):
            port = service.update("ports", port["id"], {"binding:host_id": host, **profile})
            _check_bound([port])
            return port
        service.NEUTRON.call("PUT", f"/ports/{port['id']}/bindings/{host}/activate")
        _forget_binding(port["id"], old)
    return service.read_one("ports", port["id"])


def _unbind(port: Object) -> None:
    values = _changed_profile(port, {})
    if port["binding:host_id"]:
        values["binding:host_id"] = ""
    if values:
        service.update("ports", port["id"], values)


def _bind_beside(port: Object, host: str, profile: Object) -> bool:
    """Give the port a second binding; ``False``: this Neutron knows of no second ones.

    Raises:
        BindingRefused: no agent on the host takes it.
    """
    values = {
        "host": host,
        "vnic_type": port.get("binding:vnic_type") or "normal",
        "profile": profile,
    }
    path = f"/ports/{port['id']}/bindings"
    try:
        body = service.NEUTRON.call("POST", path, json={"binding": values}).body
    except NotThere:
        return False
    except ConflictThere:
        # it is there since an earlier attempt, which may have been given something else
        body = service.NEUTRON.call("PUT", f"{path}/{host}", json={"binding": values}).body
    if body["binding"]["vif_type"] == UNBOUND:
        _forget_binding(port["id"], host)
        raise BindingRefused(f"Port {port['id']} cannot be bound on {host}.")
    return True


def _forget_binding(port_id: str, host: str) -> None:
    try:
        service.NEUTRON.call("DELETE", f"/ports/{port_id}/bindings/{host}")
    except NotThere:
        logger.debug("port %s had no binding on %s any more", port_id, host)


def _check_bound(ports: Iterable[Object]) -> None:
    for port in ports:
        if port["binding:vif_type"] == UNBOUND:
            raise BindingRefused(
                f"Port {port['id']} cannot be bound on {port['binding:host_id']}: no agent there "
                "takes it."
            )


def _free(ports: Iterable[Object]) -> None:
    """Delete the ports that were made for servers; let go of the others."""
    found = list(ports)
    notes = notes_of(port["id"] for port in found)
    for port in found:
        note = notes.get(port["id"])
        try:
            if note is not None and note.given:
                service.update("ports", port["id"], {**NOTHING, **_changed_profile(port, {})})
            else:
                service.delete("ports", port["id"])
        except NotThere:
            logger.debug("port %s was gone already", port["id"])
    HeldPort.objects.filter(port_id__in=[port["id"] for port in found]).delete()


def _free_quietly(ports: Iterable[Object]) -> None:
    """After a failure, whose reason is told; what is left is freed with the server."""
    try:
        _free(ports)
    except Exception:
        logger.warning("ports of a server that cannot be built are freed later", exc_info=True)

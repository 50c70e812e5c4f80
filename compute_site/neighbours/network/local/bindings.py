"""Prepares ports of servers for further hosts, and moves them there, as a compute service asks for
before and after a live migration.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, NotFound
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.rights import permit
from compute_site.neighbours.network.models import COMPUTE, Port, PortBinding

BOUND = "ovs"
"""How every port is bound here."""


class NotOfServer(BadRequest):
    """Only ports of servers are prepared for further hosts."""

    code = "not_of_server"


class BindingExists(Conflict):
    """The port is bound to the host, or prepared for it."""

    code = "binding_exists"


class BindingNotFound(NotFound):
    """The port is neither bound to the host nor prepared for it."""

    code = "no_such_binding"


@dataclasses.dataclass(frozen=True, slots=True)
class HostBinding:
    """A binding, and whether it is the one in use."""

    row: PortBinding
    active: bool


def list_bindings(caller: Caller, port: Port) -> Sequence[HostBinding]:
    """The one in use first; then the others by their hosts."""
    permit(caller, policies.GET_BINDING, port.project_id)
    _check_server(port)
    others = [HostBinding(row, active=False) for row in _others(port).order_by("host")]
    return [HostBinding(_active(port), active=True), *others] if port.binding_host else others


def find_binding(caller: Caller, port: Port, host: str) -> HostBinding:
    for binding in list_bindings(caller, port):
        if binding.row.host == host:
            return binding
    raise BindingNotFound(f"Port {port.pk} has no binding for the host {host[:80]}.")


@transaction.atomic
def create_binding(caller: Caller, port: Port, values: Mapping[str, Any]) -> HostBinding:
    """Prepare the port for the host; a port that is bound nowhere is bound there at once."""
    permit(caller, policies.CREATE_BINDING, port.project_id)
    port = _locked(port)
    _check_server(port)
    row = PortBinding(
        port=port,
        device_id=port.device_id,
        host=values["host"],
        vnic_type=values["vnic_type"],
        profile=values["profile"],
        vif_type=BOUND,
    )
    if row.host == port.binding_host:
        raise _exists(row)
    if not port.binding_host:
        _use(port, row)
        return HostBinding(row, active=True)
    port.bindings.filter(host=row.host).exclude(device_id=port.device_id).delete()  # outlived
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise _exists(row) from None
    return HostBinding(row, active=False)


@transaction.atomic
def change_binding(
    caller: Caller, port: Port, host: str, values: Mapping[str, Any], given: Collection[str]
) -> HostBinding:
    """Change the kind of NIC or the profile of a binding."""
    permit(caller, policies.UPDATE_BINDING, port.project_id)
    port = _locked(port)
    binding = find_binding(caller, port, host)
    for key in given:
        setattr(binding.row, key, values[key])
    if binding.active:
        _use(port, binding.row)
    else:
        binding.row.save()
    return binding


@transaction.atomic
def delete_binding(caller: Caller, port: Port, host: str) -> None:
    """Forget the host; a port that is bound there is bound nowhere afterwards."""
    permit(caller, policies.DELETE_BINDING, port.project_id)
    port = _locked(port)
    binding = find_binding(caller, port, host)
    if binding.active:
        port.binding_host, port.vif_type, port.binding_profile = "", "unbound", {}
        port.save(update_fields=["binding_host", "vif_type", "binding_profile"])
        port.note_change()
    else:
        binding.row.delete()


@transaction.atomic
def activate_binding(caller: Caller, port: Port, host: str) -> HostBinding:
    """Bind the port on the host that it is prepared for; the host before is what it is prepared
    for then.

    Raises:
        BindingExists: it is bound there already.
        BindingNotFound: it is not prepared for the host.
    """
    permit(caller, policies.ACTIVATE_BINDING, port.project_id)
    port = _locked(port)
    binding = find_binding(caller, port, host)
    if binding.active:
        raise _exists(binding.row)
    before = _active(port) if port.binding_host else None
    binding.row.delete()
    if before is not None:
        port.bindings.filter(host=before.host).delete()
        before.save(force_insert=True)
    _use(port, binding.row)
    return HostBinding(binding.row, active=True)


@transaction.atomic(durable=True)
def prepare_move(server_id: str, host: str) -> None:
    """The ports of the server are on either host until ``rebind`` or ``forget_move``."""
    ports = Port.objects.of_servers([server_id]).exclude(binding_host=host)
    rows = [
        PortBinding(
            port=port,
            device_id=server_id,
            host=host,
            vnic_type=port.vnic_type,
            vif_type=BOUND,
            profile=port.binding_profile,
        )
        for port in ports
    ]
    PortBinding.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["port", "host"],
        update_fields=["device_id"],
    )


@transaction.atomic(durable=True)
def forget_move(server_id: str, host: str) -> None:
    end_move(server_id, host)


def end_move(server_id: str, host: str) -> None:
    """The host is no second one of the server's ports any more."""
    PortBinding.objects.filter(device_id=server_id, host=host).delete()


def _others(port: Port) -> QuerySet[PortBinding]:
    """Those for hosts on which it is not bound, as long as the same server has it."""
    mine = PortBinding.objects.filter(port=port, device_id=port.device_id)
    return mine.exclude(host=port.binding_host)


def _active(port: Port) -> PortBinding:
    return PortBinding(
        port=port,
        device_id=port.device_id,
        host=port.binding_host,
        vnic_type=port.vnic_type,
        vif_type=port.vif_type,
        profile=port.binding_profile,
    )


def _use(port: Port, row: PortBinding) -> None:
    port.binding_host, port.vif_type = row.host, row.vif_type
    port.vnic_type, port.binding_profile = row.vnic_type, row.profile
    port.save(update_fields=["binding_host", "vif_type", "vnic_type", "binding_profile"])
    port.note_change()


def _locked(port: Port) -> Port:
    found = Port.objects.select_for_update(no_key=True).filter(pk=port.pk).first()
    if found is None:
        raise NotFound(f"There is no port {port.pk}.")
    return found


def _check_server(port: Port) -> None:
    if not port.device_owner.startswith(COMPUTE):
        raise NotOfServer(f"Port {port.pk} is not a server's.")


def _exists(row: PortBinding) -> BindingExists:
    return BindingExists(f"Port {row.port_id} has a binding for the host {row.host}.")

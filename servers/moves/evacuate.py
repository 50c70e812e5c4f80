"""Evacuation: a server of a failed host is built anew on another."""

from __future__ import annotations

import dataclasses

from django.db import Error as DatabaseError
from django.db import transaction

from compute_site.caller import Caller
from compute_site.secrets.sealing import seal, unseal
from servers.build.failure import describe
from servers.drivers.choose import driver_at
from servers.drivers.guest import describe_anew, launched
from servers.errors import WrongState
from servers.holdings import settle
from servers.hosts.agents import fence
from servers.hosts.zones import zone_of_hosts
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.guard import check_state, lock_row
from servers.lifecycle.history import SUCCESS, finish_event
from servers.lifecycle.jobs import Evacuate, Evacuated, PlaceMove
from servers.lifecycle.transitions import BEGIN_EVACUATION, END_EVACUATION, take_step
from servers.machine.bound import check_unbound
from servers.machine.password import choose_password
from servers.models import (
    Instance,
    Migration,
    MigrationStatus,
    MigrationType,
    PowerState,
    Service,
    TaskState,
    VmState,
)
from servers.moves.cold import record_move
from servers.moves.errors import HostInUse, HostNotFound, SameHost
from servers.moves.failure import fail_evacuation
from servers.moves.perform import clean_up
from servers.moves.place import EVACUATE_EVENT, KINDS
from servers.placement.port_bindings import rebind

KIND = KINDS[MigrationType.EVACUATION]
DOING = "evacuate it"
EVACUATING = Change(name=KIND.action, event=KIND.placing, doing=DOING, step=BEGIN_EVACUATION)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EvacuationOrder:
    """``keeps_disk``: the disk is shared, and so is the password on it. ``stopped``: it shall be
    off in the end. ``forced``: to ``host``, whatever speaks against it but lack of room.
    """

    host: str | None = None
    password: str | None = None
    keeps_disk: bool = False
    forced: bool = False
    stopped: bool = False
    tells_password: bool = False


def evacuate_server(caller: Caller, instance: Instance, order: EvacuationOrder) -> str | None:
    """Begin to build the server elsewhere; the admin password from then on, if there is a new one.
    Nova: no lock stops it.

    Raises:
        HostNotFound: 404, there is no such host.
        HardwareBound: the server has a virtual TPM.
        SameHost, HostInUse: the server cannot go there, or need not go.
        WrongState: 409.
    """
    password = None if order.keeps_disk else choose_password(order.password)
    _check_host(instance, order.host)
    check_unbound(instance, "evacuate")
    check_state(instance, BEGIN_EVACUATION.from_vm, DOING)
    if instance.host is None:
        raise WrongState(f"The server {instance.uuid} is on no host; one cannot {DOING}.")
    if Service.objects.is_up(instance.host):
        raise HostInUse(f"The host {instance.host} has not failed; migrate the server instead.")
    with transaction.atomic():
        server = lock_row(instance)
        settle.settle(server)
        fence([str(server.host)])
        status = MigrationStatus.ACCEPTED
        kind = MigrationType.EVACUATION
        no_flavor = {"old_flavor_record_id": None, "new_flavor_record_id": None}  # Nova: unknown
        record = record_move(caller, server, migration_type=kind, status=status, **no_flavor)
        job = PlaceMove(
            server_id=str(server.uuid),
            move=record.pk,
            host=order.host,
            forced=order.forced,
            then=Evacuated(stopped=order.stopped, sealed_password=seal(password or "")),
        )
        begin(caller, server, EVACUATING, job)
    return password


def perform_evacuation(job: Evacuate) -> None:
    """The new host's part. It may run again from the start after a worker was lost."""
    with exclusive(job.server_id):
        record = Migration.objects.open().filter(pk=job.move).select_related("instance").first()
        if record is None or record.instance.task_state not in END_EVACUATION.from_task:
            return
        try:
            _build(record, job)
        except DatabaseError:
            raise  # says nothing about the host: the queue tries again
        except Exception as error:  # noqa: BLE001 - the server must not be left in between
            fail_evacuation(job.move, *describe(error))


def _build(record: Migration, job: Evacuate) -> None:
    instance, host, node = record.instance, str(record.dest_compute), str(record.dest_node)
    server_id = job.server_id
    rebind(server_id, host, node)
    guest = dataclasses.replace(
        describe_anew(instance, node=node), admin_password=unseal(job.sealed_password)
    )
    driver = driver_at(record.dest_node)
    driver.spawn(guest)
    power_state: int = PowerState.RUNNING
    off = job.stopped or record.old_vm_state == VmState.STOPPED
    if off:
        power_state = driver.perform(server_id, node, TaskState.POWERING_OFF, lambda: guest)
    end = dataclasses.replace(END_EVACUATION, to_vm=VmState.STOPPED if off else VmState.ACTIVE)
    where = {"host": host, "node": node, "availability_zone": zone_of_hosts([host]).get(host)}
    with transaction.atomic():
        if take_step(instance.pk, end, power_state=power_state, **launched(instance), **where):
            settle.leave(record, MigrationStatus.DONE)
            finish_event(instance.pk, EVACUATE_EVENT, result=SUCCESS)
            return
    clean_up(record)


def _check_host(instance: Instance, host: str | None) -> None:
    if host is None:
        return
    if not Service.objects.can_take_servers(host):
        raise HostNotFound(f"There is no host {host}.")
    if host == instance.host:
        raise SameHost(f"The server {instance.uuid} lies on {host}.", field="evacuate.host")

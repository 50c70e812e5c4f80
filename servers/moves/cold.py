"""Begins resizes and cold migrations: checks first, then the records and the job in one
transaction.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from flavors.models import Flavor
from quotas.enforce import reserve
from quotas.fit import Wanted
from servers.kept_image import kept_image
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.guard import check_state, check_unlocked, lock_row
from servers.lifecycle.history import add_event
from servers.lifecycle.jobs import PlaceMove
from servers.lifecycle.transitions import BEGIN_MOVE
from servers.machine.copies import copy_flavor
from servers.machine.disk_config import check_disk_config
from servers.machine.plan import check_device_profile
from servers.machine.references import check_flavor_enabled, find_flavor
from servers.models import (
    Instance,
    Migration,
    MigrationStatus,
    MigrationType,
    RequestSpec,
    Service,
)
from servers.moves.errors import DestinationNotFound, HostDown, SameFlavor, SameHost
from servers.moves.machine import FIELD, check_disk_kept, plan_new_machine
from servers.usage import count_server_usage

PLACE_EVENT = "conductor_migrate_server"
COLD_EVENT = "cold_migrate"
RESIZE = Change(name="resize", event=PLACE_EVENT, doing="resize it", step=BEGIN_MOVE)
MIGRATE = Change(name="migrate", event=PLACE_EVENT, doing="migrate it", step=BEGIN_MOVE)


def resize_server(
    caller: Caller, instance: Instance, *, flavor_ref: str, auto_disk_config: bool | None = None
) -> None:
    """Begin to give the server another flavor, on another host.

    Raises:
        ServerLocked, WrongState, HostDown: 409.
        FlavorNotFound, SameFlavor, ZeroDiskRefused: the flavor cannot be had.
        BadRequest: flavor and image do not go together; classes of ``servers.machine.errors`` and
            ``servers.hardware.errors``.
        OverQuota: there is no room for what the new flavor has more.
    """
    _check_movable(caller, instance, RESIZE.doing)
    _check_disk_config(instance, auto_disk_config)
    flavor = find_flavor(caller, flavor_ref, field=FIELD)
    spec = RequestSpec.objects.get(instance=instance)
    check_device_profile(flavor, field=FIELD)
    check_disk_kept(instance, flavor, is_bfv=spec.is_bfv)
    _check_new_flavor(instance, flavor)
    with transaction.atomic():
        server = _lock(instance, RESIZE)
        _reserve(server, flavor)
        machine = plan_new_machine(caller, server, flavor, is_bfv=spec.is_bfv)
        record = record_move(
            caller,
            server,
            migration_type=MigrationType.RESIZE,
            status=MigrationStatus.PRE_MIGRATING,
            new_flavor=copy_flavor(flavor),
            new_flavor_record_id=flavor.pk,
            new_hardware=machine.as_columns(server),
        )
        job = PlaceMove(server_id=str(server.uuid), move=record.pk)
        _begin(caller, server, RESIZE, job, auto_disk_config=bool(auto_disk_config))


def migrate_server(caller: Caller, instance: Instance, *, host: str | None = None) -> None:
    """Begin to move the server, as it is, to another host.

    Raises:
        ServerLocked, WrongState, HostDown: 409.
        SameHost, DestinationNotFound: ``host`` is not one to go to.
    """
    _check_movable(caller, instance, MIGRATE.doing)
    if host is not None:
        check_destination(instance, host, field="migrate.host")
    with transaction.atomic():
        server = _lock(instance, MIGRATE)
        kind, status = MigrationType.MIGRATION, MigrationStatus.PRE_MIGRATING
        record = record_move(caller, server, migration_type=kind, status=status)
        job = PlaceMove(server_id=str(server.uuid), move=record.pk, host=host)
        _begin(caller, server, MIGRATE, job, auto_disk_config=False)


def check_destination(instance: Instance, host: str, *, field: str) -> None:
    """Raises ``SameHost`` or ``DestinationNotFound``."""
    if host == instance.host:
        raise SameHost(f"The server {instance.uuid} lies on {host} already.", field=field)
    if not Service.objects.can_take_servers(host):
        raise DestinationNotFound(f"There is no host {host}.", field=field)


def check_host_up(instance: Instance, host: str | None) -> None:
    """Raises ``HostDown``, without the host's name, which users must not learn."""
    if not Service.objects.is_up(host):
        raise HostDown(f"The host of the server {instance.uuid} does not answer now.")


def hardware_of(instance: Instance) -> dict[str, Any]:
    """The columns that tell what the server has of its host's hardware, beside amounts."""
    return {"numa_topology": instance.numa_topology, "pci_requests": instance.pci_requests}


def record_move(caller: Caller, instance: Instance, **columns: Any) -> Migration:
    """The record of a move from where the server is now; with its flavor unless told otherwise."""
    hardware = hardware_of(instance)
    defaults = {
        "source_compute": instance.host,
        "source_node": instance.node,
        "old_flavor": instance.flavor,
        "old_flavor_record_id": instance.flavor_record_id,
        "old_hardware": hardware,
        "new_flavor": instance.flavor,
        "new_flavor_record_id": instance.flavor_record_id,
        "new_hardware": hardware,
        "old_vm_state": instance.vm_state,
        "user_id": caller.user_id,
        "project_id": caller.project_id,
    }
    return Migration.objects.create(instance=instance, **defaults | columns)


def _check_movable(caller: Caller, instance: Instance, doing: str) -> None:
    check_unlocked(caller, instance)
    check_state(instance, BEGIN_MOVE.from_vm, doing, idle=True)
    check_host_up(instance, instance.host)


def _check_disk_config(instance: Instance, auto_disk_config: bool | None) -> None:
    check_disk_config(auto_disk_config, kept_image(instance), field="resize.OS-DCF:diskConfig")


def _check_new_flavor(instance: Instance, flavor: Flavor) -> None:
    if flavor.pk == instance.flavor_record_id:
        raise SameFlavor(f"The server has the flavor {flavor.flavorid} already.", field=FIELD)
    check_flavor_enabled(flavor, field=FIELD)


def _lock(instance: Instance, change: Change) -> Instance:
    """Lock the server and return it as it is now: it may have been stopped or moved since it was
    read.
    """
    server = lock_row(instance)
    check_state(server, BEGIN_MOVE.from_vm, change.doing, idle=True)
    return server


def _reserve(instance: Instance, flavor: Flavor) -> None:
    """Take what the new flavor has more; what it has less is given back when the resize ends."""
    more = {
        "cores": flavor.vcpus - instance.vcpus,
        "ram": flavor.memory_mb - instance.memory_mb,
    }
    wanted = {resource: amount for resource, amount in more.items() if amount > 0}
    if wanted:
        project, user = instance.project_id, str(instance.user_id)
        usage = functools.partial(count_server_usage, project, user)
        reserve(project, user, Wanted(wanted), user_usage=usage)


def _begin(
    caller: Caller, server: Instance, change: Change, job: PlaceMove, **columns: Any
) -> None:
    begin(caller, server, change, job, progress=0, **columns)
    add_event(server.pk, change.name, COLD_EVENT, host=server.host)

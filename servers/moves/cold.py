"""Begins resizes and cold migrations: all checks, then the records and the job in one go."""

from __future__ import annotations

import functools
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from flavors.models import Flavor
from quotas.enforce import reserve
from quotas.fit import Wanted
from servers.actions.ask_host import describe_state
from servers.create.boot import check_disk_config
from servers.create.columns import copy_flavor
from servers.create.errors import FlavorNotFound
from servers.errors import WrongState
from servers.kept_image import kept_image
from servers.lifecycle.guard import check_state, check_unlocked
from servers.lifecycle.history import add_event, begin_action
from servers.lifecycle.jobs import PlaceMove
from servers.lifecycle.transitions import BEGIN_MOVE, take_step
from servers.models import (
    Instance,
    Migration,
    MigrationStatus,
    MigrationType,
    RequestSpec,
    Service,
)
from servers.moves.errors import DestinationNotFound, HostDown, SameFlavor, SameHost
from servers.moves.machine import FIELD, check_accelerator, check_disk_kept, plan_new_machine
from servers.usage import count_server_usage

RESIZE, MIGRATE = "resize", "migrate"
PLACE_EVENT = "conductor_migrate_server"
COLD_EVENT = "cold_migrate"


def resize_server(
    caller: Caller, instance: Instance, *, flavor_ref: str, auto_disk_config: bool | None = None
) -> None:
    """Begin to give the server another flavor, on another host.

    Raises:
        ServerLocked, WrongState, HostDown: 409.
        FlavorNotFound, SameFlavor, ZeroDiskRefused: the flavor cannot be had.
        BadRequest: flavor and image do not go together; classes of ``servers.create.errors`` and
            ``servers.hardware.errors``.
        OverQuota: there is no room for what the new flavor has more.
    """
    _check_movable(caller, instance, "resize it")
    _check_disk_config(instance, auto_disk_config)
    flavor = _find_flavor(caller, flavor_ref)
    spec = RequestSpec.objects.get(instance=instance)
    check_accelerator(flavor)
    check_disk_kept(instance, flavor, is_bfv=spec.is_bfv)
    _check_new_flavor(instance, flavor)
    with transaction.atomic():
        _take_first_step(instance, "resize it", auto_disk_config=bool(auto_disk_config))
        _reserve(instance, flavor)
        machine = plan_new_machine(caller, instance, flavor, is_bfv=spec.is_bfv)
        _begin(
            caller,
            instance,
            RESIZE,
            migration_type=MigrationType.RESIZE,
            new_flavor=copy_flavor(flavor),
            new_flavor_record_id=flavor.pk,
            new_hardware=machine.as_columns(instance),
        )


def migrate_server(caller: Caller, instance: Instance, *, host: str | None = None) -> None:
    """Begin to move the server, as it is, to another host.

    Raises:
        ServerLocked, WrongState, HostDown: 409.
        SameHost, DestinationNotFound: ``host`` is not one to go to.
    """
    _check_movable(caller, instance, "migrate it")
    if host is not None:
        check_destination(instance, host, field="migrate.host")
    with transaction.atomic():
        _take_first_step(instance, "migrate it", auto_disk_config=False)
        _begin(
            caller,
            instance,
            MIGRATE,
            migration_type=MigrationType.MIGRATION,
            host=host,
        )


def check_destination(instance: Instance, host: str, *, field: str) -> None:
    """Raises ``SameHost`` or ``DestinationNotFound``."""
    if host == instance.host:
        raise SameHost(f"The server {instance.uuid} lies on {host} already.", field=field)
    if not Service.objects.can_take_servers(host):
        raise DestinationNotFound(f"There is no host {host}.", field=field)


def check_host_up(instance: Instance, host: str | None) -> None:
    """Raises ``HostDown``; says no name, for users shall not learn it."""
    if not Service.objects.computes().up().filter(host=host or "").exists():
        raise HostDown(f"The host of the server {instance.uuid} does not answer now.")


def hardware_of(instance: Instance) -> dict[str, Any]:
    """What the flavor decides beside amounts, as it is now."""
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


def _find_flavor(caller: Caller, flavor_ref: str) -> Flavor:
    flavor = Flavor.objects.visible_to(caller).filter(flavorid=flavor_ref).first()
    if flavor is None:
        raise FlavorNotFound(f"There is no flavor {flavor_ref} for this project.", field=FIELD)
    return flavor


def _check_new_flavor(instance: Instance, flavor: Flavor) -> None:
    if flavor.pk == instance.flavor_record_id:
        raise SameFlavor(f"The server has the flavor {flavor.flavorid} already.", field=FIELD)
    if flavor.disabled:
        raise FlavorNotFound(f"The flavor {flavor.flavorid} is disabled.", field=FIELD)


def _take_first_step(instance: Instance, doing: str, *, auto_disk_config: bool) -> None:
    """The server is read anew: it may have been stopped or moved since it was found."""
    if not take_step(instance.pk, BEGIN_MOVE, progress=0, auto_disk_config=auto_disk_config):
        instance.refresh_from_db(fields=["vm_state", "task_state"])
        raise WrongState(
            f"The server {instance.uuid} is {describe_state(instance)}; one cannot {doing} now."
        )
    instance.refresh_from_db()


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
    caller: Caller, instance: Instance, action: str, *, host: str | None = None, **columns: Any
) -> None:
    status = MigrationStatus.PRE_MIGRATING
    record = record_move(caller, instance, status=status, **columns)
    begin_action(instance, action, PLACE_EVENT, caller)
    add_event(instance.pk, action, COLD_EVENT, host=instance.host)
    PlaceMove(server_id=str(instance.uuid), move=record.pk, host=host).defer()

"""Creates servers (``POST /servers``): from the checked body to the committed rows and the job.

The order of the steps is part of the contract: it decides which of several faults the client gets
(docs/contract/create-flow.md; the marks are its sections).
"""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.db.prepared import reading_ahead
from servers.create.ahead import lookups
from servers.create.boot import IMAGE_FIELD, find_boot_image
from servers.create.devices import read_devices
from servers.create.disks import plan_disks, root_disk
from servers.create.fit import FLAVOR_FIELD, check_fit
from servers.create.groups import find_security_groups, find_server_group
from servers.create.image_disks import root_device_name
from servers.create.metadata import check_limits
from servers.create.nics import check_nics, find_nics
from servers.create.order import ServerOrder
from servers.create.permission import check_several, limit_count, permit_create
from servers.create.plan import Created, ServerPlan
from servers.create.ports import plan_nics
from servers.create.provision import provision
from servers.create.sources import find_sources
from servers.create.steps import RunStep, until_fault
from servers.create.target import check_destination, check_zone, choose_target
from servers.machine.disk_config import check_disk_config
from servers.machine.plan import check_mixed_policy, plan_machine
from servers.machine.references import check_flavor_enabled, find_flavor, find_kernel, find_key_pair

DISK_CONFIG_FIELD = "server.OS-DCF:diskConfig"
KEY_FIELD = "server.key_name"


def create_servers(caller: Caller, order: ServerOrder) -> Created:
    """Check the order, write the servers and defer the job that schedules them.

    Raises:
        Fault: a class of ``servers.errors``, ``servers.hardware.errors`` or ``quotas.errors``, or
        one of a service; then nothing was written.
    """
    with reading_ahead(lookups(caller, order)):
        plan = plan_servers(caller, order)
    return provision(caller, plan)  # G2 to H


def plan_servers(caller: Caller, order: ServerOrder, *, run: RunStep = until_fault) -> ServerPlan:
    """Look up and check everything that the order names; nothing is written.

    With ``run=Collected()`` the plan of an order with faults is incomplete.

    Raises:
        Fault: as ``create_servers``.
    """
    run(permit_create, caller, order)  # A8, A9
    target = run(choose_target, caller, order)  # A10, A11
    asked = run(read_devices, caller, order)  # A13, A14
    run(check_nics, caller, order)  # A15
    flavor = run(find_flavor, caller, order.flavor_ref, field=FLAVOR_FIELD)  # A16
    run(check_several, order)  # B1
    run(check_zone, target)  # B2
    image = run(find_boot_image, caller, order, asked)  # B5
    run(check_disk_config, order.auto_disk_config, image, field=DISK_CONFIG_FIELD)  # B7
    run(check_flavor_enabled, flavor, field=FLAVOR_FIELD)  # C1
    security_groups = run(find_security_groups, caller, order)  # C3
    found_nics = run(find_nics, caller, order)  # C4
    kernel = run(find_kernel, caller, image, field=IMAGE_FIELD)  # C5
    key_pair = run(find_key_pair, caller, order.key_name, field=KEY_FIELD)  # C7
    root_name = run(root_device_name, image)  # C8
    machine = run(plan_machine, flavor, image)  # C9, C10
    numa_policy = machine.demand.pci_numa_policy
    nics = run(plan_nics, order, found_nics, numa_policy=numa_policy)  # C11
    run(check_mixed_policy, machine.demand.numa, field=FLAVOR_FIELD)  # C13
    max_count = run(limit_count, order, by_ports=found_nics.max_servers)  # C13
    disks = run(plan_disks, order, asked, machine, root_name=root_name, max_count=max_count)  # D
    run(check_limits, caller, order)  # E1, E2
    run(check_fit, caller, order, machine, run(root_disk, disks))  # E3 to E5
    group = run(find_server_group, caller, order)  # F1
    run(check_destination, target)  # G1
    sources = run(find_sources, caller, order, disks)
    return ServerPlan(
        order=order,
        max_count=max_count,
        target=target,
        machine=machine,
        kernel=kernel,
        root_name=root_name,
        key_pair=key_pair,
        security_groups=security_groups,
        nics=nics,
        disks=disks,
        sources=sources,
        group=group,
    )

"""Tries to create servers: every fault that can be known, or where the servers would go."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

from compute_site.caller import Caller
from compute_site.db.prepared import prepared_cursor
from compute_site.neighbours import network_service
from servers.build.place import place_reservation
from servers.create import plan_servers
from servers.create.columns import pci_requests
from servers.create.order import ServerOrder
from servers.create.plan import ServerPlan
from servers.create.provision import provision, take_quota
from servers.create.steps import Collected
from servers.dry_run.trial import Trial, compare_usage, read_outcome, undone, usage_of

MOST_NAMED = 100
"""So many servers of a request are named."""


MADE = """
    SELECT id, display_name, hostname, availability_zone FROM servers_instance
    WHERE reservation_id = %s ORDER BY launch_index
"""


class Made(NamedTuple):
    """What is told of a server that was made and is undone."""

    id: int
    name: str
    hostname: str
    zone: str | None


def try_create(caller: Caller, order: ServerOrder) -> Trial:
    """Do what ``create_servers`` and the search for hosts do, and undo it."""
    run = Collected()
    plan = plan_servers(caller, order, run=run)
    if run.faults:
        undone(lambda: run(_check_quota, caller, plan, plan.machine, plan.max_count))
        return Trial(faults=run.faults)
    trial = undone(lambda: run(_provision_and_place, caller, plan))
    return Trial(faults=run.faults) if run.faults else trial


def _check_quota(caller: Caller, plan: ServerPlan, *_needed: Any) -> None:
    take_quota(caller, plan)


def _provision_and_place(caller: Caller, plan: ServerPlan) -> Trial:
    before = usage_of(caller.project_id)
    created = provision(caller, plan)
    after = usage_of(caller.project_id)
    place_reservation(created.reservation_id)
    with prepared_cursor() as cursor:
        cursor.execute(MADE, [created.reservation_id])
        made = [Made._make(row) for row in cursor.fetchall()]
    report, misplaced = read_outcome([server.id for server in made])
    return Trial(
        servers=_describe(plan, made) | {"free_addresses": _free_addresses(caller, plan)},
        quota=compare_usage(caller.project_id, caller.user_id, before, after),
        report=report,
        misplaced=misplaced,
    )


MOST_EXACT = 2**53
"""JSON's readers know whole numbers up to this."""


def _free_addresses(caller: Caller, plan: ServerPlan) -> dict[str, dict[str, int | None]]:
    """How many addresses the subnets of each network that the request names have left now."""
    requests = plan.nics.requests
    ids = [] if isinstance(requests, str) else [nic.get("network_id") for nic in requests]
    wanted = {network for network in ids if network}
    free = network_service().free_addresses(caller, wanted) if wanted else {}
    return {
        network: {
            subnet: None if number is None else min(number, MOST_EXACT)
            for subnet, number in subnets.items()
        }
        for network, subnets in free.items()
    }


def _describe(plan: ServerPlan, made: Sequence[Made]) -> dict[str, Any]:
    """What the servers would be; they are alike but for their names."""
    flavor, image, numa = plan.machine.flavor, plan.machine.image, plan.machine.demand.numa
    return {
        "number": len(made),
        "names": [server.name for server in made[:MOST_NAMED]],
        "hostnames": [server.hostname for server in made[:MOST_NAMED]],
        "availability_zone": made[0].zone,
        "flavor": {
            "id": flavor.flavorid,
            "name": flavor.name,
            "vcpus": flavor.vcpus,
            "ram": flavor.memory_mb,
            "disk": flavor.root_gb,
        },
        "image": None if image is None else image.id,
        "key_name": None if plan.key_pair is None else plan.key_pair.name,
        "server_group": None if plan.group is None else str(plan.group.uuid),
        "security_groups": list(plan.security_groups),
        "networks": plan.nics.requests,
        "disks": [
            {name: value for name, value in dataclasses.asdict(disk).items() if value is not None}
            for disk in plan.disks
            if not disk.no_device
        ],
        "numa": None if numa is None else numa.as_json(),
        "pci": pci_requests(plan),
    }

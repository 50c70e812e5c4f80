"""Finds hosts that can take a server, best first, in the database and without reading all hosts.

A page is one statement. The walk goes along the index of free memory, so that its cost depends on
how many hosts are passed over, not on how many there are.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings

from compute_site.db.prepared import prepared_cursor
from servers.models import TaskState
from servers.placement.conditions import Condition, Question, all_of, conditions_of, values_of
from servers.placement.demand import Demand
from servers.placement.rules import enabled_rules
from servers.placement.state import HostState
from servers.placement.weighers import read_weights

FIRST_LOOK = 32
"""So many hosts are looked at when one server is placed, as many more for further servers; all only
when these will not do. Half as many where nothing but the database removes hosts.
"""
RANKED, RANKED_OF_FEW = 128, 64
"""They are the best of so many with the most free memory, as far as the database can tell: of fewer
where the demand names something that few hosts have, since many are passed over for each.
"""
FEW = 1000
"""Where at most so many hosts have something that a demand asks for, only those are looked at."""
IO_TASKS = (
    *(TaskState.RESIZE_MIGRATING, TaskState.REBUILDING, TaskState.RESIZE_PREP),
    *(TaskState.IMAGE_SNAPSHOT, TaskState.IMAGE_BACKUP, TaskState.RESCUING),
    TaskState.UNSHELVING,
)
"""What keeps the disks of a host busy, beside building (nova/compute/stats.py)."""
IO_TASK_NAMES = ", ".join(f"'{state}'" for state in IO_TASKS)
COLUMNS = (
    *("node_id", "provider_id", "host", "node", "cell_id"),
    *("vcpus", "vcpus_used", "free_vcpus", "memory_mb", "memory_mb_used", "free_memory_mb"),
    *("local_gb", "local_gb_used", "free_disk_gb", "running_vms", "failed_builds"),
    "driver",
    *("hypervisor_type", "hypervisor_version", "host_ip", "cpu_info_text", "supported_text"),
    *("free_devices", "io_ops"),
)
ABILITIES = "hardware.cpu_info::text, hardware.supported_instances::text"
NO_ABILITIES = "'{}', '[]'"
# The limit is part of the text: else the plan for any number would serve, which sorts all hosts.
# What is joined is looked up host by host, for which the planner sees no reason by itself.
SELECT = """
    WITH found AS MATERIALIZED (
        SELECT node.* FROM servers_computenode AS node
        WHERE {conditions} ORDER BY {order} LIMIT {limit}
    ), best AS MATERIALIZED (
        SELECT node.* FROM found AS node ORDER BY {rank} DESC, node.id LIMIT {best}
    )
    SELECT node.id, provider.id, service.host, node.hypervisor_hostname, service.cell_id,
        node.vcpus, node.vcpus_used, node.free_vcpus,
        node.memory_mb, node.memory_mb_used, node.free_memory_mb,
        node.local_gb, node.local_gb_used, node.free_disk_gb, node.running_vms, node.failed_builds,
        node.driver,
        hardware.hypervisor_type, hardware.hypervisor_version, host(hardware.host_ip),
        {abilities},
        (SELECT count(*) FROM servers_pcidevice AS device
         WHERE device.node_id = node.id AND device.consumer_id IS NULL),
        (SELECT count(*) FROM servers_instance AS guest
         WHERE guest.host = service.host COLLATE "default" AND guest.deleted_at IS NULL
           AND guest.task_state IS NOT NULL
           AND (guest.vm_state = 'building' OR guest.task_state IN ({io_tasks}))),
        ARRAY(SELECT (SELECT metadata::text FROM servers_aggregate WHERE id = member.aggregate_id)
              FROM servers_aggregate_hosts AS member
              WHERE member.service_id = node.service_id ORDER BY member.aggregate_id)
    FROM best AS node
    JOIN LATERAL (SELECT host, cell_id FROM servers_service WHERE id = node.service_id LIMIT 1)
        AS service ON true
    JOIN LATERAL (SELECT id FROM servers_resourceprovider WHERE node_id = node.id LIMIT 1)
        AS provider ON true
    JOIN LATERAL (SELECT * FROM servers_hosthardware WHERE node_id = node.id LIMIT 1)
        AS hardware ON true
"""
RANKS = (
    ("ram_weight_multiplier", 1, "GREATEST(node.memory_mb - node.memory_mb_used::bigint, 0)"),
    ("cpu_weight_multiplier", 1, "GREATEST(node.free_vcpus, 0)"),
    ("disk_weight_multiplier", 1, "GREATEST(node.local_gb - node.local_gb_used::bigint, 0)"),
    ("num_instances_weight_multiplier", 1, "node.running_vms"),
    ("build_failure_weight_multiplier", -1, "node.failed_builds"),
)
"""Option, sign, what is weighed."""
COUNT_FEW = "(SELECT count(*) FROM ({} LIMIT {}) AS seen)"
LIKE_IMAGES = """
    SELECT server.host, asked.name, count(*)
    FROM jsonb_each(%s::jsonb) AS asked (name, value)
    CROSS JOIN servers_instance AS server
    JOIN servers_requestspec AS spec ON spec.instance_id = server.id
    WHERE server.host = ANY(%s) AND server.deleted_at IS NULL
      AND spec.image -> 'properties' -> asked.name = asked.value
    GROUP BY server.host, asked.name
"""


def find_candidates(question: Question, *, count: int) -> Iterator[list[HostState]]:
    """Hosts that satisfy all conditions: first the best of them, then all, as far as
    ``max_placement_results`` or the number of servers allows.
    """
    conditions = conditions_of(question)
    if question.only is None:
        conditions = [*conditions, *_narrowed(conditions)]
    most = max(settings.OPTIONS.max_placement_results, 2 * count)
    first = FIRST_LOOK if _may_be_removed(question) else FIRST_LOOK // 2
    # in steps, so that the statements are few and the database knows them
    best = min(most, first + FIRST_LOOK * -(-(count - 1) // FIRST_LOOK))
    ranked = RANKED_OF_FEW if any(condition.few for condition in conditions) else RANKED
    page = _read_page(question, conditions, best, of=max(best, ranked))
    if page:
        yield page
    if len(page) == best < most:
        yield _read_page(question, conditions, most, of=most)


def _may_be_removed(question: Question) -> bool:
    """May hosts that satisfy all conditions not do all the same?"""
    demand = question.demand
    in_depth = demand.binds_hardware or not question.resources.is_simple
    return in_depth or bool(enabled_rules(demand))


def read_host(name: str, *conditions: Condition) -> HostState | None:
    """The host with the node of this name, if it satisfies the conditions."""
    texts = ["node.hypervisor_hostname = %s", *(condition.alone for condition in conditions)]
    values = [name, *(value for condition in conditions for value in condition.values)]
    statement = SELECT.format(
        abilities=ABILITIES,
        io_tasks=IO_TASK_NAMES,
        conditions=" AND ".join(texts),
        order="node.id",
        limit=1,
        rank="1",
        best=1,
    )
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    return next(iter(_states(rows)), None)


def _narrowed(conditions: Sequence[Condition]) -> Iterator[Condition]:
    """Where few hosts at all satisfy one of the conditions: only those."""
    known = [few for condition in conditions for few in condition.few]
    if not known:
        return
    counts = ", ".join(COUNT_FEW.format(few.text, FEW + 1) for few in known)
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for few in known for value in few.values])
        least, fewest = min(zip(cursor.fetchone(), known, strict=True), key=operator.itemgetter(0))
    if least <= FEW:
        yield Condition("few", "", f"node.id = ANY(ARRAY({fewest.nodes}))", fewest.values)


def _read_page(
    question: Question, conditions: Sequence[Condition], best: int, *, of: int
) -> list[HostState]:
    packs = settings.OPTIONS.ram_weight_multiplier < 0
    direction = "ASC" if packs else "DESC"
    statement = SELECT.format(
        abilities=ABILITIES if _asks_for_abilities(question.demand) else NO_ABILITIES,
        io_tasks=IO_TASK_NAMES,
        conditions=all_of(conditions),
        order=f"node.free_memory_mb {direction}, node.id",
        limit=int(of),
        rank=_rank(),
        best=int(best),
    )
    with prepared_cursor() as cursor:
        cursor.execute(statement, values_of(conditions))
        rows = cursor.fetchall()
    return _states(rows, question)


def _asks_for_abilities(demand: Demand) -> bool:
    """May a rule look at the features of the hosts' CPUs and hypervisors? It takes the database
    longer to write that down than to find the host.
    """
    image = demand.image
    named = image.hw_architecture or image.img_hv_type or image.hw_vm_mode
    return bool(demand.extra_specs or demand.hints or named)


def _rank() -> str:
    """The weighers that the columns of nodes tell of, in SQL (``servers.placement.weighers``)."""
    return " + ".join(
        f"({getattr(settings.OPTIONS, option) * sign}) * "
        f"COALESCE({column}::float8 / NULLIF(max({column}) OVER (), 0), 0)"
        for option, sign, column in RANKS
    )


def _states(rows: Sequence[tuple[Any, ...]], question: Question | None = None) -> list[HostState]:
    members = question.neighbourhood.members if question else {}
    alike = _count_images([row[2] for row in rows], question.demand) if question else {}
    metadata = {text: orjson.loads(text) for text in {text for row in rows for text in row[-1]}}
    return [
        HostState(
            **dict(zip(COLUMNS, row, strict=False)),
            aggregates=tuple([metadata[text] for text in row[-1]]),
            members=members.get(row[2], 0),
            like_images=alike.get(row[2], 0),
        )
        for row in rows
    ]


def _count_images(hosts: Sequence[str], demand: Demand) -> Mapping[str, float]:
    """Nova: nothing is counted where the option is 0, whatever aggregates say."""
    options = settings.OPTIONS
    weights = read_weights(options.image_props_weight_setting)
    named = {
        name: value for name, value in demand.image_values.items() if not weights or name in weights
    }
    if not (options.image_props_weight_multiplier and named and hosts):
        return {}
    found: dict[str, float] = {}
    with prepared_cursor() as cursor:
        cursor.execute(LIKE_IMAGES, [orjson.dumps(named).decode(), list(hosts)])
        for host, name, number in cursor.fetchall():
            found[host] = found.get(host, 0) + weights.get(name, 1.0) * number
    return found

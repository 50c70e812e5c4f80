"""Fills the benchmark's database with copies of one server that the site has built itself.

Plain ``INSERT … SELECT``, so that a million servers with all their rows take a few minutes. What a
copy has of its own is written as SQL over its row of the plan (``filling``): ``f.n``, its number;
all else is as the original has it, so that new columns need no care here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

HOSTS = 1000
SIZES = (1, 2, 5, 10, 30, 100, 300, 1000)
"""Projects have so many servers, in turns."""

NO_NICS = "f.state IN ('deleted', 'error')"
Row = Mapping[str, str]

# The usual mixture: one in twenty is deleted, as many are stopped, few have failed. The order is
# random, for servers of different projects lie side by side.
PLAN = """
    CREATE TABLE filling AS
    SELECT n, n + %(offset)s AS key, md5('server ' || n)::uuid AS uuid, project,
           CASE WHEN n %% 20 = 0 THEN 'deleted' WHEN n %% 20 = 1 THEN 'stopped'
                WHEN n %% 100 = 2 THEN 'error' ELSE 'active' END AS state
    FROM (
        SELECT row_number() OVER (ORDER BY md5(wanted.id || number)) + %(first)s AS n,
               wanted.id AS project
        FROM unnest(%(projects)s::text[], %(counts)s::int[]) AS wanted (id, servers),
             generate_series(1, wanted.servers) AS number
    ) AS numbered
"""
# Three servers at a time, since the beginning of the cloud two years ago.
CREATED = "now() - interval '2 years' * (1 - (f.n / 3 * 3.0) / %(total)s) - interval '1 hour'"
CHANGED = f"{CREATED} + (now() - interval '1 hour' - ({CREATED})) * (f.n * 7919 %% 1000 / 1000.0)"
ENDED = f"CASE WHEN f.state = 'deleted' THEN {CHANGED} END"
HOST = f"CASE WHEN f.state <> 'error' THEN 'node-' || f.n %% {HOSTS} END"
PORT = "md5('port ' || f.n)::uuid"
ADDRESS = "'10.0.0.2'::inet + f.n"
"""Below the pool of the subnet, from which builds take theirs at random."""

SERVER: Row = {
    "id": "f.key",
    "uuid": "f.uuid",
    "project_id": "f.project",
    "reservation_id": "'r-' || lpad(to_hex(f.n / 3), 8, '0')",
    "launch_index": "f.n %% 3",
    "display_name": "'web-' || f.n",
    "hostname": "'web-' || f.n",
    "vm_state": "f.state",
    "power_state": "CASE f.state WHEN 'active' THEN 1 WHEN 'stopped' THEN 4 ELSE 0 END",
    "host": HOST,
    "node": HOST,
    "metadata": "CASE WHEN f.n %% 2 = 0 THEN t.metadata ELSE '{}' END",
    "network_info": f"""CASE WHEN {NO_NICS} THEN '[]' ELSE jsonb_set(jsonb_set(t.network_info,
        '{{0,port_id}}', to_jsonb({PORT}::text)),
        '{{0,addresses,0,0}}', to_jsonb(host({ADDRESS}))) END""",
    "created_at": CREATED,
    "updated_at": CHANGED,
    "launched_at": f"CASE WHEN f.state <> 'error' THEN {CREATED} + interval '2 seconds' END",
    "terminated_at": ENDED,
    "deleted_at": ENDED,
}
CHILD: Row = {"instance_id": "f.key"}
VOLUME: Row = {
    **CHILD,
    "uuid": "gen_random_uuid()",
    "source_type": "'volume'",
    "destination_type": "'volume'",
    "volume_id": "md5('volume ' || f.n)::uuid::text",
}
ACTION: Row = {
    **CHILD,
    "id": "f.key",
    "request_id": "'req-' || md5('request ' || f.n)::uuid",
    "project_id": "f.project",
    "start_time": CREATED,
    "updated_at": CREATED,
}
PORT_ROW: Row = {
    "id": PORT,
    "project_id": "f.project",
    "device_id": "f.uuid::text",
    "binding_host": HOST,
    "mac_address": r"""'fa:16:3e:' ||
        regexp_replace(lpad(to_hex(f.n), 6, '0'), '(..)(..)(..)', '\1:\2:\3')""",
    "created_at": CREATED,
}
ALIVE = f"NOT ({NO_NICS})"
ON_INSTANCE = "instance_id = %(server)s"
ON_PORT = "port_id = %(port)s"

# Table, what the copies have of their own, which row is copied, which servers have one.
COPIES: tuple[tuple[str, Row, str, str], ...] = (
    ("servers_instance", SERVER, "id = %(server)s", "true"),
    ("servers_requestspec", CHILD, ON_INSTANCE, "true"),
    ("servers_instancemapping", {**CHILD, "project_id": "f.project"}, ON_INSTANCE, "true"),
    ("servers_blockdevice", {**CHILD, "uuid": "gen_random_uuid()"}, ON_INSTANCE, "true"),
    ("servers_blockdevice", VOLUME, ON_INSTANCE, "f.n %% 10 = 3"),
    ("servers_tag", CHILD, ON_INSTANCE, "f.n %% 4 = 0"),
    (
        "servers_consumer",
        {**CHILD, "id": "f.key", "uuid": "f.uuid", "project_id": "f.project"},
        ON_INSTANCE,
        ALIVE,
    ),
    (
        "servers_allocation",
        {"consumer_id": "f.key", "provider_id": f"%(provider)s + f.n %% {HOSTS}"},
        "consumer_id IN (SELECT id FROM servers_consumer WHERE instance_id = %(server)s)",
        ALIVE,
    ),
    ("servers_instanceaction", ACTION, ON_INSTANCE, "true"),
    ("servers_instanceactionevent", {"action_id": "f.key"}, "action_id = %(action)s", "true"),
    ("network_port", PORT_ROW, "id = %(port)s", ALIVE),
    ("network_port_security_groups", {"port_id": PORT}, ON_PORT, ALIVE),
    ("network_fixedip", {"port_id": PORT, "address": ADDRESS}, ON_PORT, ALIVE),
)
HIGHEST = """
    SELECT GREATEST((SELECT max(id) FROM servers_instance), (SELECT max(id) FROM servers_consumer),
                    (SELECT max(id) FROM servers_instanceaction))
"""
FAULTS = """
    INSERT INTO servers_fault (instance_id, code, message, details, created_at)
    SELECT key, 500, 'No host has room for the server.', '', now()
    FROM filling WHERE state = 'error'
"""
USAGE = """
    INSERT INTO quotas_usage (project_id, resource, in_use)
    SELECT project, resource, sum(amount) FROM filling AS f
    JOIN servers_instance AS t ON t.id = %(server)s,
         unnest(ARRAY['instances', 'cores', 'ram'], ARRAY[1, t.vcpus, t.memory_mb])
         AS each (resource, amount)
    WHERE f.state <> 'deleted' GROUP BY project, resource
    ON CONFLICT (project_id, resource) DO UPDATE
    SET in_use = quotas_usage.in_use + EXCLUDED.in_use
"""
HELD = """
    UPDATE servers_inventory AS stock SET used = stock.used + held.amount
    FROM (SELECT provider_id, resource_class, sum(amount) AS amount FROM servers_allocation
          WHERE consumer_id IN (SELECT key FROM filling) GROUP BY 1, 2) AS held
    WHERE stock.provider_id = held.provider_id AND stock.resource_class = held.resource_class
"""
GUESTS = """
    UPDATE servers_computenode AS node SET running_vms = running_vms + held.servers
    FROM (SELECT provider.node_id, count(DISTINCT consumer_id) AS servers
          FROM servers_allocation JOIN servers_resourceprovider AS provider
              ON provider.id = provider_id
          WHERE consumer_id IN (SELECT key FROM filling) GROUP BY 1) AS held
    WHERE held.node_id = node.id
"""


def find_original(connection: psycopg.Connection[Any], server_id: str) -> dict[str, Any]:
    """The keys of the server's rows, by which the statements above find them."""
    found = connection.execute(
        """
        SELECT server.id, action.id, port.id FROM servers_instance AS server
        JOIN servers_instanceaction AS action ON action.instance_id = server.id
        JOIN network_port AS port ON port.device_id = server.uuid::text
        WHERE server.uuid = %s
        """,
        [server_id],
    ).fetchone()
    if found is None:
        raise RuntimeError("the first server was not built")
    return dict(zip(("server", "action", "port"), found, strict=True))


def make_hosts(connection: psycopg.Connection[Any], original: dict[str, Any]) -> None:
    """A thousand hosts like the first one; the original learns the key of the first new node."""
    connection.execute("CREATE TABLE filling AS SELECT generate_series(0, %s) AS n" % (HOSTS - 1))
    keys = {}
    for table in ("servers_service", "servers_computenode", "servers_resourceprovider"):
        keys[table] = _one(connection, f"SELECT max(id) + 1 FROM {table}")
    own = {"uuid": "gen_random_uuid()"}
    first = "id = (SELECT min(id) FROM servers_computenode)"
    node_key = f"{keys['servers_computenode']} + f.n"
    provider_key = f"{keys['servers_resourceprovider']} + f.n"
    service = {**own, "id": f"{keys['servers_service']} + f.n", "host": "'node-' || f.n"}
    node = {
        **own,
        "id": node_key,
        "service_id": f"{keys['servers_service']} + f.n",
        "hypervisor_hostname": "'node-' || f.n",
        "running_vms": "0",
    }
    provider = {**own, "id": provider_key, "node_id": node_key, "name": "'node-' || f.n"}
    of_node = f"node_{first}"
    of_provider = f"provider_id = (SELECT id FROM servers_resourceprovider WHERE {of_node})"
    of_first = f"id = (SELECT service_id FROM servers_computenode WHERE {first})"
    _copy(connection, "servers_service", service, of_first)
    _copy(connection, "servers_computenode", node, first)
    _copy(connection, "servers_hosthardware", {"node_id": node_key}, of_node)
    _copy(connection, "servers_resourceprovider", provider, of_node)
    _copy(connection, "servers_providertrait", {"provider_id": provider_key}, of_provider)
    stock = {"provider_id": provider_key, "used": "0"}
    _copy(connection, "servers_inventory", stock, of_provider)
    for table in keys:
        _go_on(connection, table)
    connection.execute("DROP TABLE filling")
    original["provider"] = keys["servers_resourceprovider"]


def make_projects(connection: psycopg.Connection[Any], servers: int, like: str) -> dict[str, int]:
    """Projects like the named one, with all its roles and rights; how many servers each shall
    have, of that many in all.
    """
    counts: list[int] = []
    while servers > 0:
        counts.append(min(SIZES[len(counts) % len(SIZES)], servers))
        servers -= counts[-1]
    taken = _one(connection, "SELECT count(*) FROM identity_project")
    ids = [f"{number:032x}" for number in range(taken, taken + len(counts))]
    group = _one(connection, "SELECT max(id) FROM auth_group")
    connection.execute("CREATE TABLE filling (n bigint, id text)")
    with connection.cursor() as cursor, cursor.copy("COPY filling FROM STDIN") as copy:
        for row in enumerate(ids, start=1):
            copy.write_row(row)
    new_group = f"{group} + f.n * 10000 + t.group_id"
    role = "id IN (SELECT group_id FROM identity_projectrole WHERE project_id = %(like)s)"
    held = f"group_{role}"
    for table, own, which in (
        ("identity_project", {"id": "f.id", "name": "f.id"}, "id = %(like)s"),
        (
            "auth_group",
            {
                "id": new_group.replace("group_id", "id"),
                "name": "f.id || substr(t.name, strpos(t.name, '/'))",
            },
            role,
        ),
        (
            "identity_projectrole",
            {"project_id": "f.id", "group_id": new_group},
            "project_id = %(like)s",
        ),
        (
            "guardian_groupobjectpermission",
            {"group_id": new_group, "object_pk": "f.id"},
            held,
        ),
    ):
        _copy(connection, table, own, which, like=like)
    _go_on(connection, "auth_group")
    connection.execute("DROP TABLE filling")
    return dict(zip(ids, counts, strict=True))


def fill(
    connection: psycopg.Connection[Any],
    projects: Mapping[str, int],
    *,
    first: int,
    total: int,
    original: Mapping[str, Any],
) -> None:
    """So many servers for each project, numbered from ``first`` of the ``total`` there will be."""
    values = {**original, "total": total}
    with _without_indexes(connection, [table for table, *_ in COPIES]):
        connection.execute(
            PLAN,
            {
                "projects": list(projects),
                "counts": list(projects.values()),
                "first": first,
                "offset": _one(connection, HIGHEST) - first,
            },
        )
        for table, own, which, who in COPIES:
            _copy(connection, table, own, which, who, **values)
            _go_on(connection, table)
        connection.execute(FAULTS)
        connection.execute(USAGE, values)
        connection.execute(HELD)
        connection.execute(GUESTS)
        connection.execute("DROP TABLE filling")
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")  # else the server writes what was filled while it is measured


def _copy(
    connection: psycopg.Connection[Any],
    table: str,
    own: Row,
    which: str,
    who: str = "true",
    **values: Any,
) -> None:
    """Copy the rows that ``which`` says for all planned servers that ``who`` says."""
    columns = [name for name in _columns(connection, table) if name != "id" or name in own]
    selected = ", ".join(own.get(name, f't."{name}"') for name in columns)
    named = ", ".join(f'"{name}"' for name in columns)
    statement = (
        f"INSERT INTO {table} ({named}) "
        f"SELECT {selected} FROM (SELECT * FROM {table} WHERE {which}) AS t "
        f"CROSS JOIN filling AS f WHERE {who}"
    )
    connection.execute(statement, values or None)


@contextlib.contextmanager
def _without_indexes(connection: psycopg.Connection[Any], tables: list[str]) -> Iterator[None]:
    """Indexes and constraints are made again in the end, which takes a fraction of the time."""
    made: list[str] = []
    for table in tables:
        for name, definition in connection.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype IN ('u', 'f')",
            [table],
        ).fetchall():
            connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            made.insert(0, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        for name, definition in connection.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid = %s::regclass AND NOT indisprimary",
            [table],
        ).fetchall():
            connection.execute(f"DROP INDEX {name}")
            made.append(definition)
    yield
    for statement in sorted(made, key=lambda text: "FOREIGN KEY" in text):
        connection.execute(statement)


def _columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [table],
    )
    return [row[0] for row in rows]


def _go_on(connection: psycopg.Connection[Any], table: str) -> None:
    """The next key is drawn behind the largest one."""
    key = connection.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table]).fetchone()
    if key is not None and key[0] is not None:
        connection.execute(f"SELECT setval('{key[0]}', max(id)) FROM {table}")


def _one(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row and row[0] is not None else 0

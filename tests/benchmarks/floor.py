"""The floor of a launch: the rows that a server leaves behind, written by bare psycopg."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

TABLES = {
    "servers_instance": "id IN (SELECT id FROM chosen)",
    "servers_requestspec": "instance_id IN (SELECT id FROM chosen)",
    "servers_instancemapping": "instance_id IN (SELECT id FROM chosen)",
    "servers_blockdevice": "instance_id IN (SELECT id FROM chosen)",
    "servers_instanceaction": "instance_id IN (SELECT id FROM chosen)",
    "servers_instanceactionevent": "action_id IN (SELECT action.id FROM servers_instanceaction"
    " AS action WHERE action.instance_id IN (SELECT id FROM chosen))",
    "servers_serverstep": "instance_id IN (SELECT id FROM chosen)",
    "servers_consumer": "instance_id IN (SELECT id FROM chosen)",
    "servers_allocation": "consumer_id IN (SELECT consumer.id FROM servers_consumer AS consumer"
    " WHERE consumer.instance_id IN (SELECT id FROM chosen))",
    "servers_schedulingreport": "instance_id IN (SELECT id FROM chosen)",
    "network_port": "device_id IN (SELECT uuid::text FROM chosen)",
    "network_fixedip": "port_id IN (SELECT port.id FROM network_port AS port"
    " WHERE port.device_id IN (SELECT uuid::text FROM chosen))",
    "network_port_security_groups": "port_id IN (SELECT port.id FROM network_port AS port"
    " WHERE port.device_id IN (SELECT uuid::text FROM chosen))",
}
"""What a server leaves behind, table by table."""


def measure_floor(url: str, most: int = 2000) -> dict[str, Any]:
    """Write the rows of the newest servers into empty tables of the same form, with the same
    indexes: a transaction for each server, and a statement for each table in it.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE chosen AS SELECT id, uuid FROM servers_instance"
            " ORDER BY id DESC LIMIT %s",
            [most],
        )
        connection.execute("CREATE SCHEMA floor")
        rows = {table: _copy_form(connection, table, where) for table, where in TABLES.items()}
        servers = len(rows["servers_instance"][1])
        began, worked = time.perf_counter(), time.process_time()
        for number in range(servers):
            with connection.transaction():
                for insert, values in rows.values():
                    each = len(values) // servers
                    for row in values[number * each : (number + 1) * each]:
                        connection.execute(insert, row, prepare=True)
        seconds = time.perf_counter() - began
        client = time.process_time() - worked
        connection.execute("DROP SCHEMA floor CASCADE")
    return {
        "servers": servers,
        "rows_a_server": round(sum(len(values) for _, values in rows.values()) / servers, 1),
        "servers_a_second": round(servers / seconds, 1),
        "client_cpu_ms_a_server": round(client * 1000 / servers, 2),
    }


def _copy_form(
    connection: psycopg.Connection[Any], table: str, where: str
) -> tuple[sql.Composed, list[tuple[Any, ...]]]:
    """An empty table like this one; the statement that fills it, and its rows as texts."""
    own = sql.Identifier("floor", table)
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(own, sql.Identifier(table))
    )
    columns = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum",
        [table],
    ).fetchall()
    names = [sql.Identifier(name) for name, _ in columns]
    found = connection.execute(
        sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY 1").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in names),
            sql.Identifier(table),
            sql.SQL(where),  # type: ignore[arg-type] # one of ``TABLES``
        )
    ).fetchall()
    casts = [sql.SQL("%s::text::{}").format(sql.SQL(kind)) for _, kind in columns]  # type: ignore[arg-type]
    insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        own, sql.SQL(", ").join(names), sql.SQL(", ").join(casts)
    )
    return insert, found

"""A database from before the tables were made at once goes on with the steps that it lacks, keeps
its hosts and what servers hold of them, and ends with the same tables as a new one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection as new_database

from tests.world.databases import empty_database

ROOT = Path(__file__).resolve().parents[2]
UPGRADE = """
import gc, sys
gc.disable()  # Django makes its models anew at each step
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from compute_site.db.schema import is_migrated

before = MigrationExecutor(connection)
before.loader = MigrationLoader(connection, replace_migrations=False)
before.migrate([("servers", "0003_archived_servers"), ("network", "0001_initial")])
connection.cursor().execute(sys.stdin.read())
assert not is_migrated()
call_command("migrate", verbosity=0)
assert is_migrated()

MigrationRecorder.Migration.objects.filter(name__contains="_squashed_").delete()
assert not is_migrated()
call_command("migrate", verbosity=0)  # of a release with all the steps
assert is_migrated()
"""
TABLES = """
    SELECT 'column', table_name || '.' || column_name,
           concat_ws(' ', data_type, character_maximum_length, collation_name, is_nullable,
                     column_default, is_identity)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index', tablename, regexp_replace(indexdef, 'INDEX \\S+ ', 'INDEX ')
    FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'named index', tablename, indexname
    FROM pg_indexes WHERE schemaname = 'public' AND indexname ~ '^[a-z_]+$'
    UNION ALL
    SELECT 'trigger', tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function', proname::text, prosrc FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
"""
# One server lies on host-a, one is about to leave it for host-b, one has nothing yet.
ROWS = """
    INSERT INTO identity_project (id, name, description, enabled, extra, created_at)
        VALUES ('p', 'p', '', true, '{}', now());
    INSERT INTO identity_user (id, username, password, first_name, last_name, email, is_staff,
                               is_active, is_superuser, date_joined, extra)
        VALUES ('u', 'u', '!', '', '', '', false, true, false, now(), '{}');
    INSERT INTO servers_cell (uuid, name, disabled) VALUES (gen_random_uuid(), 'cell1', false)
        ON CONFLICT DO NOTHING;
    INSERT INTO servers_service (uuid, host, "binary", topic, cell_id, disabled, forced_down,
                                 version, created_at)
        SELECT gen_random_uuid(), host, 'nova-compute', 'compute',
               (SELECT id FROM servers_cell WHERE name = 'cell1'), false, false, 70, now()
        FROM unnest(ARRAY['host-a', 'host-b']) AS host;
    INSERT INTO servers_computenode (uuid, service_id, hypervisor_hostname, driver, vcpus,
            memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, running_vms, traits,
            cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio)
        SELECT gen_random_uuid(), id, host, 'fake', 8, 8192, 100, 3, 1536, 2, 2, '["CUSTOM_FAST"]',
               2, 1.5, 1
        FROM servers_service WHERE host IN ('host-a', 'host-b');
    INSERT INTO servers_aggregate (uuid, name, metadata, created_at)
        VALUES ('aaaaaaaa-0000-4000-8000-000000000001', 'rack', '{}', now());
    INSERT INTO servers_aggregate_hosts (aggregate_id, service_id)
        SELECT (SELECT id FROM servers_aggregate), id FROM servers_service WHERE host = 'host-a';
"""
SERVER = """
    INSERT INTO servers_instance (uuid, project_id, user_id, reservation_id, launch_index,
        display_name, hostname, vm_state, power_state, progress, image_ref, kernel_id, ramdisk_id,
        flavor, memory_mb, vcpus, root_gb, ephemeral_gb, config_drive, metadata, system_metadata,
        auto_disk_config, pci_requests, locked, network_info, created_at, updated_at)
    VALUES (gen_random_uuid(), 'p', 'u', 'r', 0, '{name}', 'n', 'stopped', 4, 0, '', '', '', '{{}}',
        512, 1, 1, 0, '', '{{}}', '{{}}', false, '[]', false, '[]', now(), now());
"""
HOLD = """
    INSERT INTO servers_allocation (instance_id, node_id, vcpus, memory_mb, disk_gb, leaving)
    SELECT server.id, node.id, {vcpus}, 512, {disk}, {leaving}
    FROM servers_instance AS server, servers_computenode AS node
    WHERE server.display_name = '{name}' AND node.hypervisor_hostname = '{node}';
"""
MOVE = """
    INSERT INTO servers_migration (uuid, instance_id, migration_type, status, old_flavor,
        new_flavor, old_hardware, new_hardware, old_vm_state, user_id, project_id, created_at)
    SELECT 'bbbbbbbb-0000-4000-8000-000000000001', id, 'resize', 'finished', '{}', '{}', '{}', '{}',
           'stopped', 'u', 'p', now()
    FROM servers_instance WHERE display_name = 'moving';
"""


def upgrade(url: str, rows: str) -> None:
    """Bring a database with the rows from the old release to this one."""
    done = subprocess.run(
        [sys.executable, "-c", UPGRADE],
        input=rows,
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "compute_site.settings",
            "COMPUTE_SITE_SECRET_KEY": "upgrade",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def held(connection: psycopg.Connection[Any], name: str) -> set[tuple[Any, ...]]:
    rows = connection.execute(
        """
        SELECT provider.name, consumer.consumer_type, resource_class, amount
        FROM servers_allocation JOIN servers_consumer AS consumer ON consumer.id = consumer_id
        JOIN servers_instance AS server ON server.id = consumer.instance_id
        JOIN servers_resourceprovider AS provider ON provider.id = provider_id
        WHERE server.display_name = %s
        """,
        [name],
    )
    return set(rows.fetchall())


@pytest.mark.django_db
def test_an_old_database_keeps_its_rows_and_has_the_tables_of_a_new_one() -> None:
    url = empty_database("compute_site_upgrade")
    upgrade(
        url,
        ROWS
        + "".join(SERVER.format(name=name) for name in ("resting", "moving", "new"))
        + MOVE
        + HOLD.format(name="resting", node="host-a", vcpus=1, disk=0, leaving=False)
        + HOLD.format(name="moving", node="host-a", vcpus=2, disk=2, leaving=True)
        + HOLD.format(name="moving", node="host-b", vcpus=3, disk=2, leaving=False),
    )
    with psycopg.connect(url, autocommit=True) as connection:
        with new_database.cursor() as cursor:
            cursor.execute(TABLES)
            assert set(connection.execute(TABLES)) == set(cursor.fetchall())

        stocks = connection.execute(
            """
            SELECT provider.name, resource_class, total, allocation_ratio, used, max_unit
            FROM servers_inventory JOIN servers_resourceprovider AS provider
                ON provider.id = provider_id
            WHERE provider.root_id = provider.id ORDER BY 1, 2
            """
        ).fetchall()
        assert stocks == [
            ("host-a", "DISK_GB", 100, 1.0, 2, 100),
            ("host-a", "MEMORY_MB", 8192, 1.5, 1024, 8192),
            ("host-a", "VCPU", 8, 2.0, 3, 8),
            ("host-b", "DISK_GB", 100, 1.0, 2, 100),
            ("host-b", "MEMORY_MB", 8192, 1.5, 512, 8192),
            ("host-b", "VCPU", 8, 2.0, 3, 8),
        ]
        nodes = connection.execute(
            "SELECT vcpus, vcpus_used, free_vcpus, free_memory_mb, free_disk_gb, running_vms "
            "FROM servers_computenode ORDER BY hypervisor_hostname"
        ).fetchall()
        assert nodes == [(8, 3, 13, 11264, 98, 2), (8, 3, 13, 11776, 98, 2)]
        assert held(connection, "resting") == {
            ("host-a", "INSTANCE", "VCPU", 1),
            ("host-a", "INSTANCE", "MEMORY_MB", 512),
        }
        assert held(connection, "moving") == {
            ("host-a", "MIGRATION", "VCPU", 2),
            ("host-a", "MIGRATION", "MEMORY_MB", 512),
            ("host-a", "MIGRATION", "DISK_GB", 2),
            ("host-b", "INSTANCE", "VCPU", 3),
            ("host-b", "INSTANCE", "MEMORY_MB", 512),
            ("host-b", "INSTANCE", "DISK_GB", 2),
        }
        assert held(connection, "new") == set()
        moving = connection.execute(
            "SELECT uuid::text FROM servers_consumer WHERE consumer_type = 'MIGRATION'"
        ).fetchall()
        assert moving == [("bbbbbbbb-0000-4000-8000-000000000001",)]
        traits = connection.execute(
            "SELECT count(*) FROM servers_providertrait "
            "WHERE trait IN ('CUSTOM_FAST', 'COMPUTE_NODE')"
        ).fetchone()
        assert traits == (4,)
        mirrored = connection.execute(
            "SELECT provider.name, aggregate::text FROM servers_provideraggregate "
            "JOIN servers_resourceprovider AS provider ON provider.id = provider_id"
        ).fetchall()
        assert mirrored == [("host-a", "aaaaaaaa-0000-4000-8000-000000000001")]

"""The copies of amounts on nodes find their rows by key: of a join the planner may think that it is
best to read all inventories. Other classes than those that are copied change nothing there.
"""

from django.db import migrations

COPY = """
    CREATE OR REPLACE FUNCTION servers_copy_amounts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE servers_computenode AS node SET
            vcpus = sums.vcpus, vcpus_used = sums.vcpus_used, free_vcpus = sums.free_vcpus,
            memory_mb = sums.memory_mb, memory_mb_used = sums.memory_mb_used,
            free_memory_mb = sums.free_memory_mb,
            local_gb = sums.local_gb, local_gb_used = sums.local_gb_used,
            free_disk_gb = sums.free_disk_gb, most_vcpus = sums.most_vcpus,
            most_memory_mb = sums.most_memory_mb, most_disk_gb = sums.most_disk_gb,
            has_odd_units = sums.has_odd_units
        FROM (
            SELECT provider.node_id,
                COALESCE(sum(total) FILTER (WHERE resource_class IN ('VCPU', 'PCPU')), 0) AS vcpus,
                COALESCE(sum(used) FILTER (WHERE resource_class IN ('VCPU', 'PCPU')), 0)
                    AS vcpus_used,
                COALESCE(sum(free) FILTER (WHERE resource_class = 'VCPU'), 0) AS free_vcpus,
                COALESCE(sum(total) FILTER (WHERE resource_class = 'MEMORY_MB'), 0) AS memory_mb,
                COALESCE(sum(used) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                    AS memory_mb_used,
                COALESCE(sum(free) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                    AS free_memory_mb,
                COALESCE(sum(total) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS local_gb,
                COALESCE(sum(used) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS local_gb_used,
                COALESCE(sum(free) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS free_disk_gb,
                COALESCE(max(max_unit) FILTER (WHERE resource_class = 'VCPU'), 0) AS most_vcpus,
                COALESCE(max(max_unit) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                    AS most_memory_mb,
                COALESCE(max(max_unit) FILTER (WHERE resource_class = 'DISK_GB'), 0)
                    AS most_disk_gb,
                COALESCE(bool_or(min_unit > 1 OR step_size > 1)
                         FILTER (WHERE resource_class <> 'PCPU'), false) AS has_odd_units
            FROM servers_resourceprovider AS provider
            LEFT JOIN servers_inventory AS stock ON stock.provider_id = provider.id
                AND resource_class IN ('VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB')
            WHERE provider.node_id IS NOT NULL
                AND provider.id = ANY(ARRAY(
                    SELECT provider_id FROM changed
                    WHERE resource_class IN ('VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB')))
            GROUP BY provider.node_id
        ) AS sums
        WHERE node.id = sums.node_id;
        RETURN NULL;
    END $$;
"""
COPY_BY_JOIN = """
    CREATE OR REPLACE FUNCTION servers_copy_amounts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE servers_computenode AS node SET
            vcpus = sums.vcpus, vcpus_used = sums.vcpus_used, free_vcpus = sums.free_vcpus,
            memory_mb = sums.memory_mb, memory_mb_used = sums.memory_mb_used,
            free_memory_mb = sums.free_memory_mb,
            local_gb = sums.local_gb, local_gb_used = sums.local_gb_used,
            free_disk_gb = sums.free_disk_gb, most_vcpus = sums.most_vcpus,
            most_memory_mb = sums.most_memory_mb, most_disk_gb = sums.most_disk_gb,
            has_odd_units = sums.has_odd_units
        FROM (
            SELECT provider.node_id,
                COALESCE(sum(total) FILTER (WHERE resource_class IN ('VCPU', 'PCPU')), 0) AS vcpus,
                COALESCE(sum(used) FILTER (WHERE resource_class IN ('VCPU', 'PCPU')), 0)
                    AS vcpus_used,
                COALESCE(sum(free) FILTER (WHERE resource_class = 'VCPU'), 0) AS free_vcpus,
                COALESCE(sum(total) FILTER (WHERE resource_class = 'MEMORY_MB'), 0) AS memory_mb,
                COALESCE(sum(used) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                    AS memory_mb_used,
                COALESCE(sum(free) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                    AS free_memory_mb,
                COALESCE(sum(total) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS local_gb,
                COALESCE(sum(used) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS local_gb_used,
                COALESCE(sum(free) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS free_disk_gb,
                COALESCE(max(max_unit) FILTER (WHERE resource_class = 'VCPU'), 0) AS most_vcpus,
                COALESCE(max(max_unit) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                    AS most_memory_mb,
                COALESCE(max(max_unit) FILTER (WHERE resource_class = 'DISK_GB'), 0)
                    AS most_disk_gb,
                COALESCE(bool_or(min_unit > 1 OR step_size > 1)
                         FILTER (WHERE resource_class <> 'PCPU'), false) AS has_odd_units
            FROM servers_resourceprovider AS provider
            LEFT JOIN servers_inventory AS stock ON stock.provider_id = provider.id
                AND resource_class IN ('VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB')
            WHERE provider.node_id IS NOT NULL
                AND provider.id IN (SELECT provider_id FROM changed)
            GROUP BY provider.node_id
        ) AS sums
        WHERE node.id = sums.node_id;
        RETURN NULL;
    END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("servers", "0010_roots_follow")]
    operations = [migrations.RunSQL(COPY, COPY_BY_JOIN)]

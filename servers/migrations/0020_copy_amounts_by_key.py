"""The copies of amounts are made for one node after the other, so that there is but one way to find
the rows.

A session keeps the plan of a trigger that it made while there were few hosts. Of one statement for
all nodes that plan could read whole tables, or all rows again for each node. The amounts are the
same, so that nothing has to be undone.
"""

from django.db import migrations

COPY_ONE_BY_ONE = """
    CREATE OR REPLACE FUNCTION servers_copy_amounts() RETURNS trigger LANGUAGE plpgsql
    -- to read a row that is not needed counts as dear, however few there are
    SET enable_seqscan = off SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1
    AS $$
    DECLARE
        its_provider bigint;
    BEGIN
        FOR its_provider IN
            SELECT DISTINCT provider_id FROM changed
            WHERE resource_class IN ('VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB')
            ORDER BY provider_id
        LOOP
            UPDATE servers_computenode AS node SET
                vcpus = sums.vcpus, vcpus_used = sums.vcpus_used, free_vcpus = sums.free_vcpus,
                memory_mb = sums.memory_mb, memory_mb_used = sums.memory_mb_used,
                free_memory_mb = sums.free_memory_mb,
                local_gb = sums.local_gb, local_gb_used = sums.local_gb_used,
                free_disk_gb = sums.free_disk_gb, most_vcpus = sums.most_vcpus,
                most_memory_mb = sums.most_memory_mb, most_disk_gb = sums.most_disk_gb,
                has_odd_units = sums.has_odd_units
            FROM (
                SELECT
                    COALESCE(sum(total) FILTER (WHERE resource_class IN ('VCPU', 'PCPU')), 0)
                        AS vcpus,
                    COALESCE(sum(used) FILTER (WHERE resource_class IN ('VCPU', 'PCPU')), 0)
                        AS vcpus_used,
                    COALESCE(sum(free) FILTER (WHERE resource_class = 'VCPU'), 0) AS free_vcpus,
                    COALESCE(sum(total) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                        AS memory_mb,
                    COALESCE(sum(used) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                        AS memory_mb_used,
                    COALESCE(sum(free) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                        AS free_memory_mb,
                    COALESCE(sum(total) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS local_gb,
                    COALESCE(sum(used) FILTER (WHERE resource_class = 'DISK_GB'), 0)
                        AS local_gb_used,
                    COALESCE(sum(free) FILTER (WHERE resource_class = 'DISK_GB'), 0)
                        AS free_disk_gb,
                    COALESCE(max(max_unit) FILTER (WHERE resource_class = 'VCPU'), 0) AS most_vcpus,
                    COALESCE(max(max_unit) FILTER (WHERE resource_class = 'MEMORY_MB'), 0)
                        AS most_memory_mb,
                    COALESCE(max(max_unit) FILTER (WHERE resource_class = 'DISK_GB'), 0)
                        AS most_disk_gb,
                    COALESCE(bool_or(min_unit > 1 OR step_size > 1)
                             FILTER (WHERE resource_class <> 'PCPU'), false) AS has_odd_units
                FROM servers_inventory
                WHERE provider_id = its_provider
                    AND resource_class IN ('VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB')
            ) AS sums
            WHERE node.id = (
                SELECT node_id FROM servers_resourceprovider WHERE id = its_provider
            );
        END LOOP;
        RETURN NULL;
    END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("servers", "0019_one_word_for_servers")]
    operations = [migrations.RunSQL(COPY_ONE_BY_ONE, migrations.RunSQL.noop)]

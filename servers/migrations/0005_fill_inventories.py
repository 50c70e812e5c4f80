"""Inventories and allocations from the columns that nodes and allocations had before."""

from django.db import migrations

FILL = """
    INSERT INTO servers_resourceprovider (uuid, name, node_id, generation, created_at)
    SELECT uuid, left(hypervisor_hostname, 200), id, 0, now() FROM servers_computenode ORDER BY id;

    INSERT INTO servers_hosthardware
        (node_id, hypervisor_type, hypervisor_version, supported_instances, cpu_info)
    SELECT id, CASE driver WHEN 'libvirt' THEN 'QEMU' ELSE driver END,
           CASE driver WHEN 'fake' THEN 1000 ELSE 0 END,
           jsonb_build_array(jsonb_build_array('x86_64', driver, 'hvm')),
           CASE driver WHEN 'fake' THEN
               '{"arch": "x86_64", "model": "Nehalem", "vendor": "Intel",
                 "features": ["pge", "clflush"],
                 "topology": {"cores": 1, "threads": 1, "sockets": 4}}'::jsonb
           ELSE '{}'::jsonb END
    FROM servers_computenode;

    INSERT INTO servers_providertrait (provider_id, trait)
    SELECT provider.id, trait FROM servers_resourceprovider AS provider,
    unnest(ARRAY[
        'COMPUTE_ACCELERATORS', 'COMPUTE_ADDRESS_SPACE_EMULATED',
        'COMPUTE_ADDRESS_SPACE_PASSTHROUGH', 'COMPUTE_DEVICE_TAGGING', 'COMPUTE_IMAGE_TYPE_RAW',
        'COMPUTE_MEM_BACKING_FILE', 'COMPUTE_NET_ATTACH_INTERFACE',
        'COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG', 'COMPUTE_NODE', 'COMPUTE_REMOTE_MANAGED_PORTS',
        'COMPUTE_SECURITY_STATELESS_FIRMWARE', 'COMPUTE_STORAGE_VIRTIO_FS',
        'COMPUTE_TRUSTED_CERTS', 'COMPUTE_VOLUME_ATTACH_WITH_TAG', 'COMPUTE_VOLUME_EXTEND',
        'COMPUTE_VOLUME_MULTI_ATTACH', 'OWNER_NOVA'
    ]) AS trait
    UNION
    SELECT provider.id, trait FROM servers_resourceprovider AS provider
    JOIN servers_computenode AS node ON node.id = provider.node_id,
    jsonb_array_elements_text(node.traits) AS trait;

    INSERT INTO servers_trait (name, created_at)
    SELECT DISTINCT trait, now() FROM servers_providertrait WHERE trait LIKE 'CUSTOM\\_%';

    INSERT INTO servers_provideraggregate (provider_id, aggregate)
    SELECT provider.id, aggregate.uuid FROM servers_resourceprovider AS provider
    JOIN servers_computenode AS node ON node.id = provider.node_id
    JOIN servers_aggregate_hosts AS member ON member.service_id = node.service_id
    JOIN servers_aggregate AS aggregate ON aggregate.id = member.aggregate_id;

    INSERT INTO servers_inventory
        (provider_id, resource_class, total, reserved, min_unit, max_unit, step_size,
         allocation_ratio, used, created_at)
    SELECT provider.id, amount.class, amount.total, 0, 1, GREATEST(amount.total, 1), 1,
           CASE WHEN amount.ratio > 0 THEN amount.ratio ELSE 1 END, COALESCE(amount.used, 0), now()
    FROM servers_computenode AS node
    JOIN servers_resourceprovider AS provider ON provider.node_id = node.id
    LEFT JOIN (
        SELECT node_id, sum(vcpus) AS vcpus, sum(memory_mb) AS memory_mb, sum(disk_gb) AS disk_gb
        FROM servers_allocation_before GROUP BY node_id
    ) AS held ON held.node_id = node.id
    CROSS JOIN LATERAL (VALUES
        ('VCPU', node.vcpus, node.cpu_allocation_ratio, held.vcpus),
        ('MEMORY_MB', node.memory_mb, node.ram_allocation_ratio, held.memory_mb),
        ('DISK_GB', node.local_gb, node.disk_allocation_ratio, held.disk_gb)
    ) AS amount (class, total, ratio, used);

    -- what a server leaves is its move's; it has two rows only while it moves
    INSERT INTO servers_consumer
        (uuid, consumer_type, project_id, user_id, generation, instance_id, migration_id,
         created_at)
    SELECT CASE WHEN held.leaving THEN moved.uuid ELSE server.uuid END,
           CASE WHEN held.leaving THEN 'MIGRATION' ELSE 'INSTANCE' END,
           server.project_id, server.user_id, 1, server.id,
           CASE WHEN held.leaving THEN moved.id END, now()
    FROM servers_allocation_before AS held
    JOIN servers_instance AS server ON server.id = held.instance_id
    LEFT JOIN LATERAL (
        SELECT id, uuid FROM servers_migration WHERE instance_id = server.id
        ORDER BY status IN ('confirmed', 'reverted', 'completed', 'done', 'cancelled', 'error'),
                 id DESC LIMIT 1
    ) AS moved ON true;

    INSERT INTO servers_allocation
        (consumer_id, provider_id, resource_class, amount, created_at)
    SELECT consumer.id, provider.id, amount.class, amount.amount, now()
    FROM servers_allocation_before AS held
    JOIN servers_consumer AS consumer ON consumer.instance_id = held.instance_id
        AND (consumer.migration_id IS NOT NULL) = held.leaving
    JOIN servers_resourceprovider AS provider ON provider.node_id = held.node_id
    CROSS JOIN LATERAL (VALUES
        ('VCPU', held.vcpus), ('MEMORY_MB', held.memory_mb), ('DISK_GB', held.disk_gb)
    ) AS amount (class, amount)
    WHERE amount.amount > 0;

    DROP TABLE servers_allocation_before;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('servers', '0004_resource_providers'),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]

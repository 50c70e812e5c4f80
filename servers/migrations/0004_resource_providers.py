"""Resource providers, inventories and allocations as Placement has them.

The next migration fills them from the columns that nodes and allocations had before, which are kept
aside until then. The database itself sets the root of a provider, and keeps the amounts of compute
nodes the same as those of their inventories.
"""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.math
import django.utils.timezone
import uuid
from django.db import migrations, models

KEEP_ALLOCATIONS = """
    CREATE TABLE servers_allocation_before AS
    SELECT instance_id, node_id, vcpus, memory_mb, disk_gb, leaving FROM servers_allocation
"""
SET_ROOT = """
    CREATE FUNCTION servers_set_root() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.root_id := CASE WHEN NEW.parent_id IS NULL THEN NEW.id
            ELSE (SELECT root_id FROM servers_resourceprovider WHERE id = NEW.parent_id) END;
        RETURN NEW;
    END $$;
    CREATE TRIGGER servers_provider_root BEFORE INSERT ON servers_resourceprovider
        FOR EACH ROW EXECUTE FUNCTION servers_set_root();
"""
COPY_AMOUNTS = """
    CREATE FUNCTION servers_copy_amounts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE servers_computenode AS node SET
            vcpus = sums.vcpus, vcpus_used = sums.vcpus_used, free_vcpus = sums.free_vcpus,
            memory_mb = sums.memory_mb, memory_mb_used = sums.memory_mb_used,
            free_memory_mb = sums.free_memory_mb,
            local_gb = sums.local_gb, local_gb_used = sums.local_gb_used,
            free_disk_gb = sums.free_disk_gb
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
                COALESCE(sum(free) FILTER (WHERE resource_class = 'DISK_GB'), 0) AS free_disk_gb
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
    CREATE TRIGGER servers_inventory_added AFTER INSERT ON servers_inventory
        REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION servers_copy_amounts();
    CREATE TRIGGER servers_inventory_changed AFTER UPDATE ON servers_inventory
        REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION servers_copy_amounts();
    CREATE TRIGGER servers_inventory_removed AFTER DELETE ON servers_inventory
        REFERENCING OLD TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION servers_copy_amounts();
"""
FORGET = """
    DROP TRIGGER servers_inventory_added ON servers_inventory;
    DROP TRIGGER servers_inventory_changed ON servers_inventory;
    DROP TRIGGER servers_inventory_removed ON servers_inventory;
    DROP FUNCTION servers_copy_amounts();
    DROP TRIGGER servers_provider_root ON servers_resourceprovider;
    DROP FUNCTION servers_set_root();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('servers', '0003_archived_servers'),
    ]

    operations = [
        migrations.RunSQL(KEEP_ALLOCATIONS, "DROP TABLE IF EXISTS servers_allocation_before"),
        migrations.DeleteModel(name='Allocation'),
        migrations.AddField(
            model_name='computenode',
            name='free_disk_gb',
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='computenode',
            name='free_memory_mb',
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='computenode',
            name='free_vcpus',
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.CreateModel(
            name='Consumer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('consumer_type', models.CharField(db_collation='C', default='INSTANCE', max_length=255)),
                ('project_id', models.CharField(max_length=255)),
                ('user_id', models.CharField(max_length=255)),
                ('generation', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='HardwareClaim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('placement', models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name='HostHardware',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hypervisor_type', models.CharField(default='fake', max_length=255)),
                ('hypervisor_version', models.PositiveIntegerField(default=1000)),
                ('supported_instances', models.JSONField(blank=True, default=list)),
                ('cpu_info', models.JSONField(blank=True, default=dict)),
                ('host_ip', models.GenericIPAddressField(blank=True, null=True)),
                ('numa_topology', models.JSONField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'host hardware',
            },
        ),
        migrations.CreateModel(
            name='Inventory',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource_class', models.CharField(db_collation='C', max_length=255)),
                ('total', models.PositiveIntegerField()),
                ('reserved', models.PositiveIntegerField(default=0)),
                ('min_unit', models.PositiveIntegerField(default=1)),
                ('max_unit', models.PositiveIntegerField(default=2147483647)),
                ('step_size', models.PositiveIntegerField(default=1)),
                ('allocation_ratio', models.FloatField(default=1.0)),
                ('used', models.PositiveBigIntegerField(default=0)),
                ('free', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Cast(django.db.models.functions.math.Floor(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('reserved')), '*', models.F('allocation_ratio'))), models.BigIntegerField()), '-', models.F('used')), output_field=models.BigIntegerField())),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'inventories',
            },
        ),
        migrations.CreateModel(
            name='PciDevice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(db_collation='C', max_length=32)),
                ('vendor_id', models.CharField(max_length=4)),
                ('product_id', models.CharField(max_length=4)),
                ('dev_type', models.CharField(max_length=8)),
                ('numa_node', models.IntegerField(blank=True, null=True)),
                ('physical_network', models.CharField(blank=True, max_length=255, null=True)),
                ('description', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'verbose_name': 'PCI device',
                'verbose_name_plural': 'PCI devices',
            },
        ),
        migrations.CreateModel(
            name='ProviderAggregate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aggregate', models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name='ProviderTrait',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('trait', models.CharField(db_collation='C', max_length=255)),
            ],
        ),
        migrations.CreateModel(
            name='ResourceClass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(db_collation='C', max_length=255, unique=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'resource classes',
            },
        ),
        migrations.CreateModel(
            name='ResourceProvider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('name', models.CharField(db_collation='C', max_length=200, unique=True)),
                ('generation', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SchedulingReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('report', models.JSONField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Trait',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(db_collation='C', max_length=255, unique=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='consumer',
            name='instance',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='consumers', to='servers.instance'),
        ),
        migrations.AddField(
            model_name='consumer',
            name='migration',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='consumer', to='servers.migration'),
        ),
        migrations.AddField(
            model_name='hardwareclaim',
            name='consumer',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='hardware_claim', to='servers.consumer'),
        ),
        migrations.AddField(
            model_name='hardwareclaim',
            name='node',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hardware_claims', to='servers.computenode'),
        ),
        migrations.AddField(
            model_name='hosthardware',
            name='node',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='hardware', to='servers.computenode'),
        ),
        migrations.AddField(
            model_name='pcidevice',
            name='consumer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='pci_devices', to='servers.consumer'),
        ),
        migrations.AddField(
            model_name='pcidevice',
            name='node',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='pci_devices', to='servers.computenode'),
        ),
        migrations.AddField(
            model_name='resourceprovider',
            name='node',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='provider', to='servers.computenode'),
        ),
        migrations.AddField(
            model_name='resourceprovider',
            name='parent',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='servers.resourceprovider'),
        ),
        migrations.AddField(
            model_name='resourceprovider',
            name='root',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='tree', to='servers.resourceprovider'),
        ),
        migrations.AddField(
            model_name='providertrait',
            name='provider',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='traits', to='servers.resourceprovider'),
        ),
        migrations.AddField(
            model_name='provideraggregate',
            name='provider',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='aggregates', to='servers.resourceprovider'),
        ),
        migrations.AddField(
            model_name='pcidevice',
            name='provider',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='devices', to='servers.resourceprovider'),
        ),
        migrations.AddField(
            model_name='inventory',
            name='provider',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='inventories', to='servers.resourceprovider'),
        ),
        migrations.AddField(
            model_name='schedulingreport',
            name='instance',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='scheduling_report', to='servers.instance'),
        ),
        migrations.AddIndex(
            model_name='consumer',
            index=models.Index(fields=['project_id', 'user_id'], name='servers_consumer_owner'),
        ),
        migrations.AddConstraint(
            model_name='consumer',
            constraint=models.CheckConstraint(condition=models.Q(('migration__isnull', True), ('instance__isnull', False), _connector='OR'), name='servers_consumer_of_a_move_has_its_server'),
        ),
        migrations.AddConstraint(
            model_name='consumer',
            constraint=models.UniqueConstraint(condition=models.Q(('migration__isnull', True)), fields=('instance',), name='servers_consumer_once_a_server'),
        ),
        migrations.AddConstraint(
            model_name='resourceprovider',
            constraint=models.CheckConstraint(condition=models.Q(('node__isnull', True), ('parent__isnull', True), _connector='OR'), name='servers_provider_of_a_node_is_a_root'),
        ),
        migrations.AddIndex(
            model_name='providertrait',
            index=models.Index(fields=['trait', 'provider'], name='servers_provider_by_trait'),
        ),
        migrations.AddConstraint(
            model_name='providertrait',
            constraint=models.UniqueConstraint(fields=('provider', 'trait'), name='servers_provider_trait_once'),
        ),
        migrations.AddIndex(
            model_name='provideraggregate',
            index=models.Index(fields=['aggregate', 'provider'], name='servers_provider_by_aggregate'),
        ),
        migrations.AddConstraint(
            model_name='provideraggregate',
            constraint=models.UniqueConstraint(fields=('provider', 'aggregate'), name='servers_provider_aggregate_once'),
        ),
        migrations.AddIndex(
            model_name='pcidevice',
            index=models.Index(condition=models.Q(('consumer__isnull', True)), fields=['vendor_id', 'product_id', 'node'], name='servers_pci_device_free'),
        ),
        migrations.AddIndex(
            model_name='pcidevice',
            index=models.Index(condition=models.Q(('consumer__isnull', True), ('physical_network__isnull', False)), fields=['physical_network', 'node'], name='servers_pci_device_of_network'),
        ),
        migrations.AddConstraint(
            model_name='pcidevice',
            constraint=models.UniqueConstraint(fields=('node', 'address'), name='servers_pci_device_address'),
        ),
        migrations.AddIndex(
            model_name='inventory',
            index=models.Index(condition=models.Q(('resource_class__in', ('VCPU', 'MEMORY_MB', 'DISK_GB')), _negated=True), fields=['resource_class', 'free'], include=('provider',), name='servers_inventory_rare'),
        ),
        migrations.AddConstraint(
            model_name='inventory',
            constraint=models.UniqueConstraint(fields=('provider', 'resource_class'), name='servers_inventory_once_a_class'),
        ),
        migrations.AddConstraint(
            model_name='inventory',
            constraint=models.CheckConstraint(condition=models.Q(('max_unit__gte', 1), ('min_unit__gte', 1), ('step_size__gte', 1)), name='servers_inventory_units_are_positive'),
        ),
        migrations.AddConstraint(
            model_name='inventory',
            constraint=models.CheckConstraint(condition=models.Q(('allocation_ratio__gt', 0)), name='servers_inventory_ratio_is_positive'),
        ),
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource_class', models.CharField(db_collation='C', max_length=255)),
                ('amount', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('consumer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='allocations', to='servers.consumer')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='servers.resourceprovider')),
            ],
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.UniqueConstraint(fields=('consumer', 'provider', 'resource_class'), name='servers_allocation_once_a_class'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 1)), name='servers_allocation_of_something'),
        ),
        migrations.RunSQL(SET_ROOT + COPY_AMOUNTS, FORGET),
    ]

"""The tables as the migrations lead to that this one replaces. A database that has some of those goes on
with them.
"""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.math
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from compute_site.db.create_tables import CreateTables


SET_ROOT = """
    CREATE FUNCTION servers_set_root() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.root_id := CASE WHEN NEW.parent_id IS NULL THEN NEW.id
            ELSE (SELECT root_id FROM servers_resourceprovider WHERE id = NEW.parent_id) END;
        RETURN NEW;
    END $$;
    CREATE TRIGGER servers_provider_root BEFORE INSERT ON servers_resourceprovider
        FOR EACH ROW EXECUTE FUNCTION servers_set_root();
    CREATE FUNCTION servers_follow_root() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE servers_resourceprovider SET parent_id = parent_id
            WHERE parent_id = NEW.id AND root_id <> NEW.root_id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER servers_provider_new_root BEFORE UPDATE OF parent_id ON servers_resourceprovider
        FOR EACH ROW EXECUTE FUNCTION servers_set_root();
    CREATE TRIGGER servers_provider_roots_below AFTER UPDATE OF parent_id
        ON servers_resourceprovider
        FOR EACH ROW WHEN (NEW.root_id <> OLD.root_id) EXECUTE FUNCTION servers_follow_root();
"""
COPY_AMOUNTS = """
    CREATE FUNCTION servers_copy_amounts() RETURNS trigger LANGUAGE plpgsql AS $$
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
    DROP TRIGGER servers_provider_roots_below ON servers_resourceprovider;
    DROP TRIGGER servers_provider_new_root ON servers_resourceprovider;
    DROP FUNCTION servers_follow_root();
    DROP TRIGGER servers_inventory_added ON servers_inventory;
    DROP TRIGGER servers_inventory_changed ON servers_inventory;
    DROP TRIGGER servers_inventory_removed ON servers_inventory;
    DROP FUNCTION servers_copy_amounts();
    DROP TRIGGER servers_provider_root ON servers_resourceprovider;
    DROP FUNCTION servers_set_root();
"""
FIND_JOBS = """
    CREATE INDEX servers_job_due ON procrastinate_jobs (queue_name, priority DESC, id)
        WHERE status = 'todo';
    CREATE INDEX servers_job_build
        ON procrastinate_jobs (queue_name, ((args ->> 'node_id')::bigint), id)
        WHERE status = 'todo' AND task_name = 'servers.build_server';
"""


class Migration(migrations.Migration):

    replaces = [
        ('servers', '0001_initial'),
        ('servers', '0002_columns_nobody_used'),
        ('servers', '0003_archived_servers'),
        ('servers', '0004_resource_providers'),
        ('servers', '0005_fill_inventories'),
        ('servers', '0006_node_columns'),
        ('servers', '0007_server_fault'),
        ('servers', '0008_kept_request'),
        ('servers', '0009_search_for_hosts'),
        ('servers', '0010_roots_follow'),
        ('servers', '0011_copy_amounts_by_key'),
        ('servers', '0012_jobs_by_key'),
        ('servers', '0013_host_agents'),
        ('servers', '0014_server_steps'),
        ('servers', '0015_rollups'),
        ('servers', '0016_words'),
        ('servers', '0017_faults_on_request'),
    ]

    initial = True

    dependencies = [
        ('flavors', '0001_squashed_0002_initial'),
        ('identity', '0001_squashed_0004_sign_ins'),
        ('procrastinate', '0041_post_retry_failed_job'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Cell',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('name', models.CharField(max_length=255, unique=True)),
                    ('disabled', models.BooleanField(default=False)),
                ],
            ),
            migrations.CreateModel(
                name='Instance',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('reservation_id', models.CharField(max_length=255)),
                    ('launch_index', models.PositiveIntegerField(default=0)),
                    ('display_name', models.CharField(db_collation='C', max_length=261)),
                    ('display_description', models.CharField(blank=True, max_length=255, null=True)),
                    ('hostname', models.CharField(max_length=255)),
                    ('vm_state', models.CharField(choices=[('building', 'Building'), ('active', 'Active'), ('stopped', 'Stopped'), ('resized', 'Resized'), ('paused', 'Paused'), ('suspended', 'Suspended'), ('rescued', 'Rescued'), ('error', 'Error'), ('deleted', 'Deleted'), ('soft-delete', 'Soft Deleted'), ('shelved', 'Shelved'), ('shelved_offloaded', 'Shelved Offloaded')], default='building', max_length=32)),
                    ('task_state', models.CharField(blank=True, choices=[('scheduling', 'Scheduling'), ('block_device_mapping', 'Block Device Mapping'), ('networking', 'Networking'), ('spawning', 'Spawning'), ('image_snapshot', 'Image Snapshot'), ('image_snapshot_pending', 'Image Snapshot Pending'), ('image_pending_upload', 'Image Pending Upload'), ('image_uploading', 'Image Uploading'), ('image_backup', 'Image Backup'), ('updating_password', 'Updating Password'), ('resize_prep', 'Resize Prep'), ('resize_migrating', 'Resize Migrating'), ('resize_migrated', 'Resize Migrated'), ('resize_finish', 'Resize Finish'), ('resize_reverting', 'Resize Reverting'), ('resize_confirming', 'Resize Confirming'), ('rebooting', 'Rebooting'), ('reboot_pending', 'Reboot Pending'), ('reboot_started', 'Reboot Started'), ('rebooting_hard', 'Rebooting Hard'), ('reboot_pending_hard', 'Reboot Pending Hard'), ('reboot_started_hard', 'Reboot Started Hard'), ('pausing', 'Pausing'), ('unpausing', 'Unpausing'), ('suspending', 'Suspending'), ('resuming', 'Resuming'), ('powering-off', 'Powering Off'), ('powering-on', 'Powering On'), ('rescuing', 'Rescuing'), ('unrescuing', 'Unrescuing'), ('rebuilding', 'Rebuilding'), ('rebuild_block_device_mapping', 'Rebuild Block Device Mapping'), ('rebuild_spawning', 'Rebuild Spawning'), ('migrating', 'Migrating'), ('deleting', 'Deleting'), ('soft-deleting', 'Soft Deleting'), ('restoring', 'Restoring'), ('shelving', 'Shelving'), ('shelving_image_pending_upload', 'Shelving Image Pending Upload'), ('shelving_image_uploading', 'Shelving Image Uploading'), ('shelving_offloading', 'Shelving Offloading'), ('unshelving', 'Unshelving')], max_length=32, null=True)),
                    ('power_state', models.PositiveSmallIntegerField(choices=[(0, 'No State'), (1, 'Running'), (3, 'Paused'), (4, 'Shut Down'), (6, 'Crashed'), (7, 'Suspended')], default=0)),
                    ('progress', models.PositiveSmallIntegerField(default=0)),
                    ('image_ref', models.CharField(blank=True, default='', max_length=36)),
                    ('kernel_id', models.CharField(blank=True, default='', max_length=36)),
                    ('ramdisk_id', models.CharField(blank=True, default='', max_length=36)),
                    ('flavor', models.JSONField()),
                    ('memory_mb', models.PositiveIntegerField()),
                    ('vcpus', models.PositiveIntegerField()),
                    ('root_gb', models.PositiveIntegerField()),
                    ('ephemeral_gb', models.PositiveIntegerField(default=0)),
                    ('config_drive', models.CharField(blank=True, default='', max_length=8)),
                    ('user_data', models.TextField(blank=True, null=True)),
                    ('key_name', models.CharField(blank=True, max_length=255, null=True)),
                    ('key_data', models.TextField(blank=True, null=True)),
                    ('metadata', models.JSONField(blank=True, default=dict)),
                    ('system_metadata', models.JSONField(blank=True, default=dict)),
                    ('access_ip_v4', models.GenericIPAddressField(blank=True, null=True, protocol='IPv4')),
                    ('access_ip_v6', models.GenericIPAddressField(blank=True, null=True, protocol='IPv6')),
                    ('availability_zone', models.CharField(blank=True, max_length=255, null=True)),
                    ('root_device_name', models.CharField(blank=True, max_length=255, null=True)),
                    ('os_type', models.CharField(blank=True, max_length=255, null=True)),
                    ('architecture', models.CharField(blank=True, max_length=255, null=True)),
                    ('vm_mode', models.CharField(blank=True, max_length=255, null=True)),
                    ('auto_disk_config', models.BooleanField(default=False)),
                    ('trusted_certs', models.JSONField(blank=True, null=True)),
                    ('numa_topology', models.JSONField(blank=True, null=True)),
                    ('pci_requests', models.JSONField(blank=True, default=list)),
                    ('locked', models.BooleanField(default=False)),
                    ('locked_by', models.CharField(blank=True, max_length=16, null=True)),
                    ('locked_reason', models.CharField(blank=True, max_length=255, null=True)),
                    ('host', models.CharField(blank=True, max_length=255, null=True)),
                    ('node', models.CharField(blank=True, max_length=255, null=True)),
                    ('network_info', models.JSONField(blank=True, default=list)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('launched_at', models.DateTimeField(blank=True, null=True)),
                    ('terminated_at', models.DateTimeField(blank=True, null=True)),
                    ('deleted_at', models.DateTimeField(blank=True, null=True)),
                    ('soft_deleted_at', models.DateTimeField(blank=True, null=True)),
                    ('flavor_record', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='instances', to='flavors.flavor')),
                    ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='instances', to='identity.project')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='instances', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-created_at', '-id'],
                    'indexes': [models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['project', '-created_at', '-id'], name='servers_instance_page'), models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['project', 'vm_state', '-created_at', '-id'], name='servers_instance_state_page'), models.Index(condition=models.Q(('deleted_at__isnull', True), ('id__gt', 0)), fields=['-created_at', '-id'], name='servers_instance_all_page'), models.Index(condition=models.Q(('deleted_at__isnull', True), ('id__gt', 0), models.Q(('vm_state', 'active'), _negated=True)), fields=['vm_state', '-created_at', '-id'], name='servers_instance_rare_page'), models.Index(condition=models.Q(('deleted_at__isnull', False), ('vm_state', 'soft-delete'), _connector='OR'), fields=['-created_at', '-id'], name='servers_instance_gone_page'), models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['project', 'display_name', 'id'], name='servers_instance_name'), models.Index(fields=['project', 'uuid'], name='servers_instance_usage'), models.Index(fields=['project', 'updated_at'], name='servers_instance_changed'), models.Index(fields=['user'], name='servers_instance_user'), models.Index(fields=['reservation_id'], name='servers_instance_order'), models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['host'], name='servers_instance_host'), models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['vm_state', 'created_at'], name='servers_instance_state'), models.Index(fields=['flavor_record', 'deleted_at'], name='servers_instance_flavor'), models.Index(condition=models.Q(('deleted_at__isnull', True), ('task_state__isnull', False)), fields=['task_state'], name='servers_instance_busy'), models.Index(condition=models.Q(('deleted_at__isnull', True), ('task_state__isnull', False)), fields=['host'], name='servers_instance_busy_host')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('deleted_at__isnull', False), ('vm_state', 'deleted')), models.Q(models.Q(('vm_state', 'deleted'), _negated=True), ('deleted_at__isnull', True)), _connector='OR'), name='servers_instance_deleted_has_time'), models.CheckConstraint(condition=models.Q(('soft_deleted_at__isnull', True), ('vm_state__in', ('soft-delete', 'deleted')), _connector='OR'), name='servers_instance_soft_deleted_is_out'), models.CheckConstraint(condition=models.Q(models.Q(('vm_state', 'active'), _negated=True), ('host__isnull', False), _connector='OR'), name='servers_instance_active_has_host')],
                    'verbose_name': 'server',
                },
            ),
            migrations.CreateModel(
                name='ConsoleToken',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('digest', models.CharField(max_length=64, unique=True)),
                    ('console_type', models.CharField(max_length=32)),
                    ('node', models.CharField(max_length=255)),
                    ('host', models.CharField(max_length=255)),
                    ('port', models.PositiveIntegerField()),
                    ('tls_port', models.PositiveIntegerField(blank=True, null=True)),
                    ('internal_access_path', models.CharField(blank=True, max_length=255, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('expires_at', models.DateTimeField(db_index=True)),
                    ('instance', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='console_tokens', to='servers.instance')),
                ],
                options={
                    'ordering': ['id'],
                },
            ),
            migrations.CreateModel(
                name='BuildRequest',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('requested_networks', models.JSONField(blank=True, default=list)),
                    ('security_groups', models.JSONField(blank=True, default=list)),
                    ('block_devices', models.JSONField(blank=True, default=list)),
                    ('injected_files', models.JSONField(blank=True, default=list)),
                    ('tags', models.JSONField(blank=True, default=list)),
                    ('admin_password', models.TextField(blank=True, default='')),
                    ('request_id', models.CharField(blank=True, default='', max_length=64)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='identity.project')),
                    ('instance', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='build_request', to='servers.instance')),
                ],
            ),
            migrations.CreateModel(
                name='BlockDevice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('source_type', models.CharField(blank=True, max_length=16, null=True)),
                    ('destination_type', models.CharField(blank=True, max_length=16, null=True)),
                    ('guest_format', models.CharField(blank=True, max_length=255, null=True)),
                    ('device_type', models.CharField(blank=True, max_length=255, null=True)),
                    ('disk_bus', models.CharField(blank=True, max_length=255, null=True)),
                    ('boot_index', models.IntegerField(blank=True, null=True)),
                    ('device_name', models.CharField(blank=True, max_length=255, null=True)),
                    ('delete_on_termination', models.BooleanField(default=False)),
                    ('snapshot_id', models.CharField(blank=True, max_length=36, null=True)),
                    ('volume_id', models.CharField(blank=True, max_length=36, null=True)),
                    ('volume_size', models.PositiveIntegerField(blank=True, null=True)),
                    ('volume_type', models.CharField(blank=True, max_length=255, null=True)),
                    ('image_id', models.CharField(blank=True, max_length=36, null=True)),
                    ('no_device', models.BooleanField(default=False)),
                    ('connection_info', models.TextField(blank=True, null=True)),
                    ('tag', models.CharField(blank=True, max_length=255, null=True)),
                    ('attachment_id', models.UUIDField(blank=True, null=True)),
                    ('encrypted', models.BooleanField(default=False)),
                    ('encryption_format', models.CharField(blank=True, max_length=128, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('instance', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='block_devices', to='servers.instance')),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(condition=models.Q(('volume_id__isnull', False)), fields=['volume_id'], name='servers_device_volume')],
                },
            ),
            migrations.CreateModel(
                name='InstanceAction',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('action', models.CharField(max_length=64)),
                    ('request_id', models.CharField(max_length=64)),
                    ('user_id', models.CharField(max_length=255)),
                    ('project_id', models.CharField(max_length=255)),
                    ('start_time', models.DateTimeField(default=django.utils.timezone.now)),
                    ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('finish_time', models.DateTimeField(blank=True, null=True)),
                    ('message', models.CharField(blank=True, max_length=255, null=True)),
                    ('instance', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='actions', to='servers.instance')),
                ],
                options={
                    'ordering': ['-start_time', '-id'],
                    'indexes': [models.Index(fields=['instance', 'request_id'], name='servers_action_request')],
                    'verbose_name': 'action',
                },
            ),
            migrations.CreateModel(
                name='InstanceActionEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('event', models.CharField(max_length=255)),
                    ('start_time', models.DateTimeField(default=django.utils.timezone.now)),
                    ('finish_time', models.DateTimeField(blank=True, null=True)),
                    ('result', models.CharField(blank=True, max_length=16, null=True)),
                    ('traceback', models.TextField(blank=True, null=True)),
                    ('host', models.CharField(blank=True, max_length=255, null=True)),
                    ('details', models.TextField(blank=True, null=True)),
                    ('action', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='servers.instanceaction')),
                ],
                options={
                    'ordering': ['-start_time', '-id'],
                },
            ),
            migrations.CreateModel(
                name='InstanceMapping',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('queued_for_delete', models.BooleanField(default=False)),
                    ('cell', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mappings', to='servers.cell')),
                    ('instance', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='mapping', to='servers.instance')),
                    ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='identity.project')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
            ),
            migrations.CreateModel(
                name='KeyPair',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(db_collation='C', max_length=255)),
                    ('type', models.CharField(choices=[('ssh', 'ssh'), ('x509', 'x509')], default='ssh', max_length=8)),
                    ('public_key', models.TextField()),
                    ('fingerprint', models.CharField(max_length=255)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keypairs', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['name'],
                    'constraints': [models.UniqueConstraint(fields=('user', 'name'), name='servers_keypair_name_once')],
                },
            ),
            migrations.CreateModel(
                name='Migration',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('migration_type', models.CharField(choices=[('resize', 'Resize'), ('migration', 'Migration'), ('live-migration', 'Live'), ('evacuation', 'Evacuation')], max_length=16, verbose_name='type')),
                    ('status', models.CharField(choices=[('accepted', 'Accepted'), ('queued', 'Queued'), ('preparing', 'Preparing'), ('running', 'Running'), ('pre-migrating', 'Pre Migrating'), ('migrating', 'Migrating'), ('post-migrating', 'Post Migrating'), ('finished', 'Finished'), ('confirming', 'Confirming'), ('reverting', 'Reverting'), ('confirmed', 'Confirmed'), ('reverted', 'Reverted'), ('completed', 'Completed'), ('done', 'Done'), ('cancelled', 'Cancelled'), ('error', 'Error')], max_length=16)),
                    ('source_compute', models.CharField(blank=True, max_length=255, null=True)),
                    ('source_node', models.CharField(blank=True, max_length=255, null=True)),
                    ('dest_compute', models.CharField(blank=True, max_length=255, null=True)),
                    ('dest_node', models.CharField(blank=True, max_length=255, null=True)),
                    ('old_flavor', models.JSONField()),
                    ('new_flavor', models.JSONField()),
                    ('old_hardware', models.JSONField(default=dict)),
                    ('new_hardware', models.JSONField(default=dict)),
                    ('old_vm_state', models.CharField(max_length=32)),
                    ('user_id', models.CharField(max_length=255)),
                    ('project_id', models.CharField(max_length=255)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('updated_at', models.DateTimeField(blank=True, null=True)),
                    ('instance', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='servers.instance')),
                    ('new_flavor_record', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='flavors.flavor')),
                    ('old_flavor_record', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='flavors.flavor')),
                ],
                options={
                    'ordering': ['-created_at', '-id'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('confirmed', 'reverted', 'completed', 'done', 'cancelled', 'error')), _negated=True), fields=('instance',), name='servers_migration_one_at_a_time')],
                },
            ),
            migrations.CreateModel(
                name='ServerGroup',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('name', models.CharField(max_length=255)),
                    ('policy', models.CharField(choices=[('affinity', 'Affinity'), ('anti-affinity', 'Anti Affinity'), ('soft-affinity', 'Soft Affinity'), ('soft-anti-affinity', 'Soft Anti Affinity')], max_length=32)),
                    ('rules', models.JSONField(blank=True, default=dict)),
                    ('user_id', models.CharField(max_length=255)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='server_groups', to='identity.project')),
                ],
                options={
                    'ordering': ['id'],
                },
            ),
            migrations.CreateModel(
                name='RequestSpec',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('flavor', models.JSONField()),
                    ('image', models.JSONField(blank=True, default=dict)),
                    ('numa_topology', models.JSONField(blank=True, null=True)),
                    ('pci_requests', models.JSONField(blank=True, default=list)),
                    ('availability_zone', models.CharField(blank=True, max_length=255, null=True)),
                    ('scheduler_hints', models.JSONField(blank=True, default=dict)),
                    ('force_hosts', models.JSONField(blank=True, default=list)),
                    ('force_nodes', models.JSONField(blank=True, default=list)),
                    ('requested_destination', models.JSONField(blank=True, null=True)),
                    ('security_groups', models.JSONField(blank=True, default=list)),
                    ('num_instances', models.PositiveIntegerField(default=1)),
                    ('is_bfv', models.BooleanField(default=False, verbose_name='boot from volume')),
                    ('network_metadata', models.JSONField(blank=True, null=True)),
                    ('requested_resources', models.JSONField(blank=True, default=list)),
                    ('ignore_hosts', models.JSONField(blank=True, default=list)),
                    ('instance', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='request_spec', to='servers.instance')),
                    ('instance_group', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='servers.servergroup')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('instance_group__isnull', False)), fields=['instance_group'], name='servers_spec_group')],
                },
            ),
            migrations.CreateModel(
                name='ServerGroupMember',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='servers.servergroup')),
                    ('instance', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='group_membership', to='servers.instance')),
                ],
            ),
            migrations.CreateModel(
                name='Service',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('host', models.CharField(db_collation='C', max_length=255)),
                    ('binary', models.CharField(default='nova-compute', max_length=255)),
                    ('topic', models.CharField(default='compute', max_length=255)),
                    ('disabled', models.BooleanField(default=False)),
                    ('disabled_reason', models.CharField(blank=True, max_length=255, null=True)),
                    ('forced_down', models.BooleanField(default=False)),
                    ('version', models.PositiveIntegerField(default=70)),
                    ('last_seen_up', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('updated_at', models.DateTimeField(blank=True, null=True)),
                    ('cell', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='services', to='servers.cell')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('host', 'binary'), name='servers_service_once_a_host')],
                },
            ),
            migrations.CreateModel(
                name='ComputeNode',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('hypervisor_hostname', models.CharField(db_collation='C', max_length=255, unique=True)),
                    ('driver', models.CharField(default='fake', max_length=32)),
                    ('vcpus', models.PositiveIntegerField(default=0, editable=False)),
                    ('memory_mb', models.PositiveIntegerField(default=0, editable=False)),
                    ('local_gb', models.PositiveIntegerField(default=0, editable=False)),
                    ('vcpus_used', models.PositiveIntegerField(default=0, editable=False)),
                    ('memory_mb_used', models.PositiveIntegerField(default=0, editable=False)),
                    ('local_gb_used', models.PositiveIntegerField(default=0, editable=False)),
                    ('running_vms', models.PositiveIntegerField(default=0, editable=False)),
                    ('service', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='node', to='servers.service')),
                    ('free_disk_gb', models.BigIntegerField(default=0, editable=False)),
                    ('free_memory_mb', models.BigIntegerField(default=0, editable=False)),
                    ('free_vcpus', models.BigIntegerField(default=0, editable=False)),
                    ('failed_builds', models.PositiveIntegerField(default=0, editable=False)),
                    ('has_odd_units', models.BooleanField(default=False, editable=False)),
                    ('most_disk_gb', models.BigIntegerField(default=0, editable=False)),
                    ('most_memory_mb', models.BigIntegerField(default=0, editable=False)),
                    ('most_vcpus', models.BigIntegerField(default=0, editable=False)),
                ],
                options={
                    'indexes': [models.Index(fields=['-free_memory_mb', 'id'], include=('free_vcpus', 'free_disk_gb', 'service'), name='servers_node_best_first')],
                    'verbose_name': 'host',
                },
            ),
            migrations.CreateModel(
                name='Aggregate',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True)),
                    ('name', models.CharField(max_length=255, unique=True)),
                    ('metadata', models.JSONField(blank=True, default=dict)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('updated_at', models.DateTimeField(blank=True, null=True)),
                    ('hosts', models.ManyToManyField(blank=True, related_name='aggregates', to='servers.service')),
                ],
            ),
            migrations.CreateModel(
                name='Tag',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('tag', models.CharField(db_collation='C', max_length=60)),
                    ('instance', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='servers.instance')),
                ],
                options={
                    'ordering': ['tag'],
                    'indexes': [models.Index(fields=['tag'], name='servers_tag_tag')],
                    'constraints': [models.UniqueConstraint(fields=('instance', 'tag'), name='servers_tag_once')],
                },
            ),
            migrations.CreateModel(
                name='ArchivedServer',
                fields=[
                    ('uuid', models.UUIDField(primary_key=True, serialize=False)),
                    ('project_id', models.CharField(db_collation='C', max_length=36)),
                    ('user_id', models.CharField(db_collation='C', max_length=36)),
                    ('display_name', models.CharField(db_collation='C', max_length=261)),
                    ('created_at', models.DateTimeField()),
                    ('deleted_at', models.DateTimeField(db_index=True)),
                    ('archived_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('record', models.JSONField()),
                ],
                options={
                    'indexes': [models.Index(fields=['project_id', 'deleted_at'], name='servers_archived_project')],
                },
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
                    ('instance', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='consumers', to='servers.instance')),
                    ('migration', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='consumer', to='servers.migration')),
                ],
                options={
                    'indexes': [models.Index(fields=['project_id', 'user_id'], name='servers_consumer_owner')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('migration__isnull', True), ('instance__isnull', False), _connector='OR'), name='servers_consumer_of_a_move_has_its_server'), models.UniqueConstraint(condition=models.Q(('migration__isnull', True)), fields=('instance',), name='servers_consumer_once_a_server')],
                },
            ),
            migrations.CreateModel(
                name='HardwareClaim',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('placement', models.JSONField()),
                    ('consumer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='hardware_claim', to='servers.consumer')),
                    ('node', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hardware_claims', to='servers.computenode')),
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
                    ('node', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='hardware', to='servers.computenode')),
                ],
                options={
                    'verbose_name_plural': 'host hardware',
                },
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
                    ('node', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='provider', to='servers.computenode')),
                    ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='servers.resourceprovider')),
                    ('root', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='tree', to='servers.resourceprovider')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('node__isnull', True), ('parent__isnull', True), _connector='OR'), name='servers_provider_of_a_node_is_a_root')],
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
                    ('provider', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='inventories', to='servers.resourceprovider')),
                ],
                options={
                    'verbose_name_plural': 'inventories',
                    'indexes': [models.Index(condition=models.Q(('resource_class__in', ('VCPU', 'MEMORY_MB', 'DISK_GB')), _negated=True), fields=['resource_class', 'free'], include=('provider',), name='servers_inventory_rare')],
                    'constraints': [models.UniqueConstraint(fields=('provider', 'resource_class'), name='servers_inventory_once_a_class'), models.CheckConstraint(condition=models.Q(('max_unit__gte', 1), ('min_unit__gte', 1), ('step_size__gte', 1)), name='servers_inventory_units_are_positive'), models.CheckConstraint(condition=models.Q(('allocation_ratio__gt', 0)), name='servers_inventory_ratio_is_positive')],
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
                    ('consumer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='pci_devices', to='servers.consumer')),
                    ('node', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='pci_devices', to='servers.computenode')),
                    ('provider', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='devices', to='servers.resourceprovider')),
                ],
                options={
                    'verbose_name': 'PCI device',
                    'verbose_name_plural': 'PCI devices',
                    'indexes': [models.Index(condition=models.Q(('consumer__isnull', True)), fields=['vendor_id', 'product_id', 'node'], name='servers_pci_device_free'), models.Index(condition=models.Q(('consumer__isnull', True), ('physical_network__isnull', False)), fields=['physical_network', 'node'], name='servers_pci_device_of_network')],
                    'constraints': [models.UniqueConstraint(fields=('node', 'address'), name='servers_pci_device_address')],
                },
            ),
            migrations.CreateModel(
                name='ProviderAggregate',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('aggregate', models.UUIDField()),
                    ('provider', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='aggregates', to='servers.resourceprovider')),
                ],
                options={
                    'indexes': [models.Index(fields=['aggregate', 'provider'], name='servers_provider_by_aggregate')],
                    'constraints': [models.UniqueConstraint(fields=('provider', 'aggregate'), name='servers_provider_aggregate_once')],
                },
            ),
            migrations.CreateModel(
                name='ProviderTrait',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('trait', models.CharField(db_collation='C', max_length=255)),
                    ('provider', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='traits', to='servers.resourceprovider')),
                ],
                options={
                    'indexes': [models.Index(fields=['trait', 'provider'], name='servers_provider_by_trait')],
                    'constraints': [models.UniqueConstraint(fields=('provider', 'trait'), name='servers_provider_trait_once')],
                },
            ),
            migrations.CreateModel(
                name='SchedulingReport',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('report', models.JSONField()),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('instance', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='scheduling_report', to='servers.instance')),
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
                options={
                    'constraints': [models.UniqueConstraint(fields=('consumer', 'provider', 'resource_class'), name='servers_allocation_once_a_class'), models.CheckConstraint(condition=models.Q(('amount__gte', 1)), name='servers_allocation_of_something')],
                },
            ),
            migrations.CreateModel(
                name='ServerFault',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code', models.PositiveSmallIntegerField(default=500)),
                    ('message', models.CharField(max_length=255)),
                    ('details', models.TextField(blank=True, default='')),
                    ('host', models.CharField(blank=True, max_length=255, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('instance', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='faults', to='servers.instance')),
                ],
                options={
                    'ordering': ['-created_at', '-id'],
                    'db_table': 'servers_fault',
                },
            ),
            migrations.CreateModel(
                name='KeptRequest',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('order', models.JSONField()),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('instance', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='kept_request', to='servers.instance')),
                ],
                options={
                    'db_table': 'servers_buriedorder',
                },
            ),
            migrations.CreateModel(
                name='HostAgent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('join_digest', models.CharField(blank=True, default='', editable=False, max_length=64)),
                    ('join_until', models.DateTimeField(blank=True, null=True)),
                    ('token_digest', models.CharField(blank=True, default='', editable=False, max_length=64)),
                    ('epoch', models.PositiveIntegerField(default=0)),
                    ('boot_id', models.CharField(blank=True, default='', max_length=64)),
                    ('version', models.CharField(blank=True, default='', max_length=64)),
                    ('protocol', models.PositiveSmallIntegerField(default=0)),
                    ('hypervisor', models.CharField(blank=True, default='', max_length=32)),
                    ('load', models.JSONField(blank=True, default=dict)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('joined_at', models.DateTimeField(blank=True, null=True)),
                    ('service', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='agent', to='servers.service')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('join_digest', ''), _negated=True), fields=('join_digest',), name='servers_agent_join_digest'), models.UniqueConstraint(condition=models.Q(('token_digest', ''), _negated=True), fields=('token_digest',), name='servers_agent_token_digest')],
                },
            ),
            migrations.CreateModel(
                name='HostOrder',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('server_id', models.CharField(max_length=36)),
                    ('generation', models.BigIntegerField(default=0)),
                    ('task', models.CharField(max_length=32)),
                    ('sealed', models.TextField(blank=True, default='', editable=False)),
                    ('images', models.JSONField(blank=True, default=list)),
                    ('seconds', models.PositiveIntegerField(default=0)),
                    ('not_after', models.DateTimeField()),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('taken_at', models.DateTimeField(blank=True, null=True)),
                    ('done_at', models.DateTimeField(blank=True, null=True)),
                    ('progress', models.JSONField(blank=True, null=True)),
                    ('answer', models.JSONField(blank=True, null=True)),
                    ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='orders', to='servers.hostagent')),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(condition=models.Q(('done_at__isnull', True)), fields=['agent', 'id'], name='servers_order_open'), models.Index(fields=['server_id', 'id'], name='servers_order_server'), models.Index(fields=['done_at'], name='servers_order_done')],
                },
            ),
            migrations.CreateModel(
                name='ServerStep',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('step', models.CharField(max_length=64)),
                    ('host', models.CharField(blank=True, max_length=255, null=True)),
                    ('request_id', models.CharField(blank=True, max_length=64, null=True)),
                    ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('instance', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='servers.instance')),
                ],
                options={
                    'ordering': ['id'],
                },
            ),
            migrations.CreateModel(
                name='Rollup',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('zone', 'room of a zone, each hour'), ('host', 'room of a host, each hour'), ('state', 'servers in a state, each hour'), ('build', 'builds by their result, each hour'), ('usage', 'what a project used, each day')], db_collation='C', max_length=8)),
                    ('at', models.DateTimeField()),
                    ('subject', models.CharField(db_collation='C', max_length=255)),
                    ('numbers', models.JSONField()),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('kind', 'at', 'subject'), name='servers_rollup_once')],
                },
            ),
            migrations.CreateModel(
                name='Injection',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, unique=True, verbose_name='id')),
                    ('kind', models.CharField(max_length=16)),
                    ('details', models.JSONField(default=dict)),
                    ('left', models.PositiveIntegerField(null=True)),
                    ('met', models.PositiveIntegerField(default=0, verbose_name='times met')),
                    ('undo', models.JSONField(default=dict)),
                    ('created_by', models.CharField(blank=True, default='', max_length=255)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ],
                options={
                    'verbose_name': 'fault on request',
                    'verbose_name_plural': 'faults on request',
                },
            ),
        ]),
        migrations.RunSQL(SET_ROOT + COPY_AMOUNTS, FORGET),
        migrations.RunSQL(FIND_JOBS, 'DROP INDEX servers_job_due; DROP INDEX servers_job_build'),
    ]

"""The tables as the migrations lead to that this one replaces. A database that has some of those goes on
with them.
"""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import uuid
from django.db import migrations, models

from compute_site.db.create_tables import CreateTables


KEEP_GATEWAYS = """
ALTER TABLE network_router ADD CONSTRAINT network_router_gateway_is_a_port
    FOREIGN KEY (gateway_id) REFERENCES network_port (id)
    ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
"""
FORGET_GATEWAYS = "ALTER TABLE network_router DROP CONSTRAINT network_router_gateway_is_a_port"


class Migration(migrations.Migration):

    replaces = [
        ('network', '0001_initial'),
        ('network', '0002_quotas'),
        ('network', '0003_described'),
        ('network', '0004_routers'),
        ('network', '0005_network_zones'),
    ]

    initial = True

    dependencies = [
        ('identity', '0001_squashed_0004_sign_ins'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Network',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(blank=True, db_collation='C', default='', max_length=255)),
                    ('shared', models.BooleanField(default=False)),
                    ('external', models.BooleanField(default=False)),
                    ('is_default', models.BooleanField(default=False)),
                    ('admin_state_up', models.BooleanField(default=True)),
                    ('status', models.CharField(default='ACTIVE', max_length=16)),
                    ('mtu', models.PositiveIntegerField(default=1450)),
                    ('port_security_enabled', models.BooleanField(default=True)),
                    ('network_type', models.CharField(default='vxlan', max_length=16)),
                    ('physical_network', models.CharField(blank=True, max_length=64, null=True)),
                    ('segmentation_id', models.PositiveIntegerField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='networks', to='identity.project')),
                    ('description', models.CharField(blank=True, db_default='', default='', max_length=255)),
                    ('revision_number', models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                    ('tags', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, editable=False)),
                    ('availability_zone_hints', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                ],
            ),
            migrations.CreateModel(
                name='SecurityGroup',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(db_collation='C', max_length=255)),
                    ('description', models.CharField(blank=True, db_default='', default='', max_length=255)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='security_groups', to='identity.project')),
                    ('revision_number', models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                    ('stateful', models.BooleanField(db_default=True, default=True)),
                    ('tags', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, editable=False)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('name', 'default')), fields=('project',), name='network_one_default_group_a_project')],
                },
            ),
            migrations.CreateModel(
                name='Port',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(blank=True, db_collation='C', default='', max_length=255)),
                    ('mac_address', models.CharField(max_length=17)),
                    ('device_id', models.CharField(blank=True, default='', max_length=255)),
                    ('device_owner', models.CharField(blank=True, default='', max_length=255)),
                    ('status', models.CharField(default='DOWN', max_length=16)),
                    ('admin_state_up', models.BooleanField(default=True)),
                    ('port_security_enabled', models.BooleanField(default=True)),
                    ('vnic_type', models.CharField(default='normal', max_length=32)),
                    ('vif_type', models.CharField(default='unbound', max_length=32)),
                    ('binding_host', models.CharField(blank=True, default='', max_length=255)),
                    ('binding_profile', models.JSONField(blank=True, default=dict)),
                    ('ip_allocation', models.CharField(default='immediate', max_length=16)),
                    ('resource_request', models.JSONField(blank=True, null=True)),
                    ('numa_affinity_policy', models.JSONField(blank=True, null=True)),
                    ('device_profile', models.CharField(blank=True, max_length=255, null=True)),
                    ('dns_name', models.CharField(blank=True, default='', max_length=255)),
                    ('tag', models.CharField(blank=True, max_length=60, null=True)),
                    ('position', models.PositiveSmallIntegerField(default=0)),
                    ('created_by_server', models.BooleanField(default=False)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('network', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ports', to='network.network')),
                    ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ports', to='identity.project')),
                    ('security_groups', models.ManyToManyField(blank=True, related_name='ports', to='network.securitygroup')),
                    ('allowed_address_pairs', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('description', models.CharField(blank=True, db_default='', default='', max_length=255)),
                    ('extra_dhcp_opts', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('revision_number', models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                    ('tags', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, editable=False)),
                ],
                options={
                    'indexes': [models.Index(fields=['device_id'], name='network_port_device'), models.Index(fields=['project', 'name', 'id'], name='network_port_page')],
                },
            ),
            migrations.CreateModel(
                name='SecurityGroupRule',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('direction', models.CharField(choices=[('ingress', 'ingress'), ('egress', 'egress')], max_length=8)),
                    ('ethertype', models.CharField(default='IPv4', max_length=4)),
                    ('protocol', models.CharField(blank=True, max_length=16, null=True)),
                    ('port_range_min', models.PositiveIntegerField(blank=True, null=True)),
                    ('port_range_max', models.PositiveIntegerField(blank=True, null=True)),
                    ('remote_ip_prefix', models.CharField(blank=True, max_length=64, null=True)),
                    ('description', models.CharField(blank=True, default='', max_length=255)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='network.securitygroup')),
                    ('remote_group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='network.securitygroup')),
                ],
            ),
            migrations.CreateModel(
                name='Subnet',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(blank=True, default='', max_length=255)),
                    ('cidr', models.CharField(max_length=64)),
                    ('ip_version', models.PositiveSmallIntegerField(default=4)),
                    ('gateway_ip', models.GenericIPAddressField(blank=True, null=True)),
                    ('enable_dhcp', models.BooleanField(default=True)),
                    ('allocation_pools', models.JSONField(blank=True, default=list)),
                    ('dns_nameservers', models.JSONField(blank=True, default=list)),
                    ('ipv6_address_mode', models.CharField(blank=True, max_length=16, null=True)),
                    ('ipv6_ra_mode', models.CharField(blank=True, max_length=16, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('network', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subnets', to='network.network')),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='identity.project')),
                    ('description', models.CharField(blank=True, db_default='', default='', max_length=255)),
                    ('host_routes', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('revision_number', models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                    ('tags', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, editable=False)),
                ],
            ),
            migrations.CreateModel(
                name='FixedIp',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('address', models.GenericIPAddressField()),
                    ('network', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='network.network')),
                    ('port', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fixed_ips', to='network.port')),
                    ('subnet', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fixed_ips', to='network.subnet')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('network', 'address'), name='network_address_once_in_network')],
                },
            ),
            migrations.CreateModel(
                name='Quota',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('limit', models.IntegerField(default=-1, validators=[django.core.validators.MinValueValidator(-1)])),
                    ('resource', models.CharField(choices=[('network', 'network'), ('subnet', 'subnet'), ('port', 'port'), ('router', 'router'), ('router_route', 'router_route'), ('floatingip', 'floatingip'), ('security_group', 'security_group'), ('security_group_rule', 'security_group_rule')], max_length=32)),
                    ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='identity.project')),
                ],
                options={
                    'abstract': False,
                    'constraints': [models.UniqueConstraint(fields=('project', 'resource'), name='network_one_quota_of_a_kind')],
                },
            ),
            migrations.CreateModel(
                name='Router',
                fields=[
                    ('description', models.CharField(blank=True, db_default='', default='', max_length=255)),
                    ('tags', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('revision_number', models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                    ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, editable=False)),
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(blank=True, db_collation='C', default='', max_length=255)),
                    ('status', models.CharField(default='ACTIVE', max_length=16)),
                    ('admin_state_up', models.BooleanField(default=True)),
                    ('enable_snat', models.BooleanField(default=True)),
                    ('routes', models.JSONField(blank=True, default=list)),
                    ('availability_zone_hints', models.JSONField(blank=True, default=list)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('gateway', models.OneToOneField(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='gateway_of', to='network.port')),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='routers', to='identity.project')),
                ],
                options={
                    'abstract': False,
                },
            ),
            migrations.CreateModel(
                name='FloatingIp',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('address', models.GenericIPAddressField()),
                    ('fixed_address', models.GenericIPAddressField(blank=True, null=True)),
                    ('description', models.CharField(blank=True, db_default='', default='', max_length=255)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='floating_ips', to='identity.project')),
                    ('outside', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='floating_ip', to='network.port')),
                    ('port', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='lent_floating_ips', to='network.port')),
                    ('revision_number', models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                    ('tags', models.JSONField(blank=True, db_default=models.Value([], output_field=models.JSONField()), default=list)),
                    ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, editable=False)),
                    ('router', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='floating_ips', to='network.router')),
                ],
                options={
                    'verbose_name': 'floating IP',
                    'constraints': [models.UniqueConstraint(fields=('port', 'fixed_address'), name='network_one_floating_ip_an_address')],
                },
            ),
        ]),
        migrations.RunSQL(KEEP_GATEWAYS, FORGET_GATEWAYS),
    ]

"""The tables as the migrations lead to that this one replaces. A database that has some of those goes on
with them.
"""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models

from compute_site.db.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('volume', '0001_initial'),
        ('volume', '0002_quotas'),
        ('volume', '0003_types_and_metadata'),
    ]

    initial = True

    dependencies = [
        ('identity', '0001_squashed_0004_sign_ins'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='VolumeType',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(db_collation='C', max_length=255, unique=True)),
                    ('description', models.CharField(blank=True, default='', max_length=255)),
                    ('is_public', models.BooleanField(default=True)),
                    ('extra_specs', models.JSONField(blank=True, default=dict)),
                ],
            ),
            migrations.CreateModel(
                name='Volume',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(blank=True, db_collation='C', default='', max_length=255)),
                    ('description', models.TextField(blank=True, default='')),
                    ('user_id', models.CharField(blank=True, default='', max_length=36)),
                    ('size', models.PositiveIntegerField()),
                    ('status', models.CharField(default='available', max_length=32)),
                    ('bootable', models.CharField(blank=True, default='false', max_length=8)),
                    ('multiattach', models.BooleanField(default=False)),
                    ('availability_zone', models.CharField(default='nova', max_length=255)),
                    ('snapshot_id', models.UUIDField(blank=True, null=True)),
                    ('migration_status', models.CharField(blank=True, default='', max_length=32)),
                    ('image_metadata', models.JSONField(blank=True, default=dict)),
                    ('metadata', models.JSONField(blank=True, default=dict)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='volumes', to='identity.project')),
                    ('volume_type', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='volume.volumetype')),
                    ('readonly', models.BooleanField(blank=True, null=True, verbose_name='read-only')),
                    ('source_volid', models.UUIDField(blank=True, null=True, verbose_name='source volume')),
                ],
            ),
            migrations.CreateModel(
                name='Snapshot',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(blank=True, db_collation='C', default='', max_length=255)),
                    ('description', models.TextField(blank=True, default='')),
                    ('size', models.PositiveIntegerField()),
                    ('status', models.CharField(default='available', max_length=32)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='snapshots', to='identity.project')),
                    ('volume', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='volume.volume')),
                    ('metadata', models.JSONField(blank=True, default=dict)),
                ],
            ),
            migrations.CreateModel(
                name='Attachment',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('server_id', models.UUIDField(db_index=True)),
                    ('device', models.CharField(blank=True, default='', max_length=255)),
                    ('status', models.CharField(default='reserved', max_length=16)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('volume', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='volume.volume')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('volume', 'server_id'), name='volume_attached_once_to_a_server')],
                },
            ),
            migrations.CreateModel(
                name='Quota',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('limit', models.IntegerField(default=-1, validators=[django.core.validators.MinValueValidator(-1)])),
                    ('resource', models.CharField(choices=[('volumes', 'volumes'), ('snapshots', 'snapshots'), ('gigabytes', 'gigabytes'), ('per_volume_gigabytes', 'per_volume_gigabytes')], max_length=32)),
                    ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='identity.project')),
                ],
                options={
                    'abstract': False,
                    'constraints': [models.UniqueConstraint(fields=('project', 'resource'), name='volume_one_quota_of_a_kind')],
                },
            ),
            migrations.CreateModel(
                name='VolumeTypeAccess',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='identity.project')),
                    ('volume_type', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='access', to='volume.volumetype')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('volume_type', 'project'), name='volume_type_opened_once')],
                },
            ),
        ]),
    ]

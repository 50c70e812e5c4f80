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
        ('image', '0001_initial'),
        ('image', '0002_quotas'),
        ('image', '0003_data'),
        ('image', '0004_members_and_protection'),
    ]

    initial = True

    dependencies = [
        ('identity', '0001_squashed_0004_sign_ins'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Image',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                    ('name', models.CharField(blank=True, db_collation='C', default='', max_length=255)),
                    ('status', models.CharField(default='active', max_length=32)),
                    ('visibility', models.CharField(default='private', max_length=16)),
                    ('min_ram', models.PositiveIntegerField(default=0)),
                    ('min_disk', models.PositiveIntegerField(default=0)),
                    ('size', models.BigIntegerField(blank=True, null=True)),
                    ('disk_format', models.CharField(blank=True, max_length=32, null=True)),
                    ('container_format', models.CharField(blank=True, max_length=32, null=True)),
                    ('checksum', models.CharField(blank=True, max_length=64, null=True)),
                    ('tags', models.JSONField(blank=True, default=list)),
                    ('properties', models.JSONField(blank=True, default=dict)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('updated_at', models.DateTimeField(auto_now=True)),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='images', to='identity.project')),
                    ('os_hash_value', models.CharField(blank=True, max_length=128, null=True)),
                    ('stored', models.BooleanField(default=False, editable=False)),
                    ('virtual_size', models.BigIntegerField(blank=True, null=True)),
                    ('os_hidden', models.BooleanField(default=False, verbose_name='hidden')),
                    ('protected', models.BooleanField(default=False)),
                ],
                options={
                    'indexes': [models.Index(fields=['name'], name='image_name')],
                },
            ),
            migrations.CreateModel(
                name='Quota',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('limit', models.IntegerField(default=-1, validators=[django.core.validators.MinValueValidator(-1)])),
                    ('resource', models.CharField(choices=[('image_count_total', 'image_count_total'), ('image_size_total', 'image_size_total')], max_length=32)),
                    ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='identity.project')),
                ],
                options={
                    'abstract': False,
                    'constraints': [models.UniqueConstraint(fields=('project', 'resource'), name='image_one_quota_of_a_kind')],
                },
            ),
            migrations.CreateModel(
                name='ImageMember',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('member_id', models.CharField(db_index=True, max_length=255)),
                    ('status', models.CharField(choices=[('pending', 'pending'), ('accepted', 'accepted'), ('rejected', 'rejected')], default='pending', max_length=16)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('updated_at', models.DateTimeField(auto_now=True)),
                    ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='image.image')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('image', 'member_id'), name='image_member_once')],
                },
            ),
        ]),
    ]

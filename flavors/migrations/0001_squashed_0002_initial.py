"""The tables as the migrations lead to that this one replaces. A database that has some of those goes on
with them.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from compute_site.db.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('flavors', '0001_initial'),
        ('flavors', '0002_initial'),
    ]

    initial = True

    dependencies = [
        ('identity', '0001_squashed_0004_sign_ins'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Flavor',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('flavorid', models.CharField(db_collation='C', max_length=255, unique=True, verbose_name='ID')),
                    ('name', models.CharField(db_collation='C', max_length=255, unique=True)),
                    ('vcpus', models.PositiveIntegerField(verbose_name='vCPUs')),
                    ('memory_mb', models.PositiveIntegerField(verbose_name='memory (MiB)')),
                    ('root_gb', models.PositiveIntegerField(default=0, verbose_name='root disk (GiB)')),
                    ('ephemeral_gb', models.PositiveIntegerField(default=0, verbose_name='ephemeral disk (GiB)')),
                    ('swap', models.PositiveIntegerField(default=0, verbose_name='swap (MiB)')),
                    ('rxtx_factor', models.FloatField(default=1.0)),
                    ('disabled', models.BooleanField(default=False)),
                    ('is_public', models.BooleanField(default=True, verbose_name='public')),
                    ('description', models.TextField(blank=True, null=True)),
                    ('extra_specs', models.JSONField(blank=True, default=dict)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                    ('updated_at', models.DateTimeField(auto_now=True)),
                ],
                options={
                    'ordering': ['flavorid'],
                },
            ),
            migrations.CreateModel(
                name='FlavorAccess',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('flavor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='access', to='flavors.flavor')),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='flavor_access', to='identity.project')),
                ],
                options={
                    'verbose_name_plural': 'flavor access',
                    'constraints': [models.UniqueConstraint(fields=('flavor', 'project'), name='flavors_access_once')],
                },
            ),
        ]),
    ]

"""The tables as the migrations lead to that this one replaces. A database that has some of those goes on
with them.
"""

import compute_site.identity.models
import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from compute_site.db.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('identity', '0001_initial'),
        ('identity', '0002_signed_out_at'),
        ('identity', '0003_sign_in_failures'),
        ('identity', '0004_sign_ins'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Project',
                fields=[
                    ('id', models.CharField(db_collation='C', default=compute_site.identity.models.new_id, max_length=36, primary_key=True, serialize=False)),
                    ('name', models.CharField(db_collation='C', max_length=64, unique=True)),
                    ('description', models.TextField(blank=True, default='')),
                    ('enabled', models.BooleanField(default=True)),
                    ('extra', models.JSONField(blank=True, default=dict, editable=False)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ],
                options={
                    'ordering': ['name'],
                },
            ),
            migrations.CreateModel(
                name='User',
                fields=[
                    ('password', models.CharField(max_length=128, verbose_name='password')),
                    ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                    ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                    ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                    ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                    ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                    ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                    ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                    ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                    ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                    ('id', models.CharField(db_collation='C', default=compute_site.identity.models.new_id, max_length=36, primary_key=True, serialize=False)),
                    ('extra', models.JSONField(blank=True, default=dict, editable=False)),
                    ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                    ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                    ('default_project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='identity.project')),
                    ('signed_out_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ],
                options={
                    'verbose_name': 'user',
                    'verbose_name_plural': 'users',
                    'abstract': False,
                },
                managers=[
                    ('objects', django.contrib.auth.models.UserManager()),
                ],
            ),
            migrations.CreateModel(
                name='ApplicationCredential',
                fields=[
                    ('id', models.CharField(db_collation='C', default=compute_site.identity.models.new_id, max_length=36, primary_key=True, serialize=False)),
                    ('name', models.CharField(max_length=255)),
                    ('description', models.TextField(blank=True, default='')),
                    ('role', models.CharField(choices=[('reader', 'Reader'), ('member', 'Member'), ('manager', 'Manager'), ('admin', 'Admin')], max_length=16)),
                    ('secret_hash', models.CharField(max_length=128)),
                    ('unrestricted', models.BooleanField(default=False)),
                    ('expires_at', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='credentials', to=settings.AUTH_USER_MODEL)),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='credentials', to='identity.project')),
                ],
                options={
                    'ordering': ['name'],
                    'constraints': [models.UniqueConstraint(fields=('user', 'name'), name='identity_credential_name_once')],
                },
            ),
            migrations.CreateModel(
                name='ProjectRole',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('role', models.CharField(choices=[('reader', 'Reader'), ('member', 'Member'), ('manager', 'Manager'), ('admin', 'Admin')], max_length=16)),
                    ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='project_role', to='auth.group')),
                    ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='roles', to='identity.project')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('project', 'role'), name='identity_one_group_per_role')],
                },
            ),
            migrations.CreateModel(
                name='Token',
                fields=[
                    ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                    ('methods', models.JSONField(default=list)),
                    ('audit_id', models.CharField(max_length=22)),
                    ('issued_at', models.DateTimeField()),
                    ('expires_at', models.DateTimeField()),
                    ('credential', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='identity.applicationcredential')),
                    ('project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='identity.project')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['expires_at'], name='identity_token_expiry')],
                },
            ),
            migrations.CreateModel(
                name='SignInFailures',
                fields=[
                    ('account', models.CharField(db_collation='C', max_length=80, primary_key=True, serialize=False)),
                    ('failures', models.PositiveIntegerField()),
                    ('last_at', models.DateTimeField()),
                ],
                options={
                    'indexes': [models.Index(fields=['last_at'], name='identity_failures_age')],
                },
            ),
            migrations.CreateModel(
                name='SignIn',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('address', models.CharField(blank=True, default='', max_length=64)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sign_ins', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'default_permissions': ('view',),
                    'indexes': [models.Index(fields=['at'], name='identity_sign_in_age')],
                },
            ),
        ]),
    ]

"""Who could see faults of servers can see them under the model's new name."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from servers.models import ServerFault
from tests.factories import make_user

migration = importlib.import_module("servers.migrations.0007_server_fault")


@pytest.mark.django_db
def test_permissions_that_were_given_stay_given() -> None:
    content_type = ContentType.objects.get_for_model(ServerFault)
    permission = Permission.objects.get(content_type=content_type, codename="view_serverfault")
    Permission.objects.filter(pk=permission.pk).update(codename="view_fault", name="Can view fault")
    user = make_user()
    user.user_permissions.add(permission)
    with connection.schema_editor() as editor:
        migration.rename_permissions(apps, editor)
    permission.refresh_from_db()
    assert (permission.codename, permission.name) == ("view_serverfault", "Can view server fault")
    assert user.has_perm("servers.view_serverfault")

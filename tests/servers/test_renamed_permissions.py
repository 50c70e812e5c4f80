"""Who was given a permission on a model still has it under the model's new name."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models

from servers.models import KeptRequest, ServerFault
from tests.world.factories import make_user


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("module", "model", "old", "new"),
    [
        pytest.param("0007_server_fault", ServerFault, "fault", "server fault", id="ServerFault"),
        pytest.param(
            "0008_kept_request", KeptRequest, "buried order", "kept request", id="KeptRequest"
        ),
    ],
)
def test_permissions_that_were_given_stay_given(
    module: str, model: type[models.Model], old: str, new: str
) -> None:
    migration = importlib.import_module(f"servers.migrations.{module}")
    old_code, new_code = (f"view_{name.replace(' ', '')}" for name in (old, new))
    content_type = ContentType.objects.get_for_model(model)
    permission = Permission.objects.get(content_type=content_type, codename=new_code)
    Permission.objects.filter(pk=permission.pk).update(codename=old_code, name=f"Can view {old}")
    user = make_user()
    user.user_permissions.add(permission)
    with connection.schema_editor() as editor:
        migration.rename_permissions(apps, editor)
    permission.refresh_from_db()
    assert (permission.codename, permission.name) == (new_code, f"Can view {new}")
    assert user.has_perm(f"servers.{new_code}")

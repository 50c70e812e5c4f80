from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def rename_permissions(apps: Any, schema_editor: Any) -> None:
    """Who was given a permission on the model has it under its new name."""
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    for permission in permissions.filter(
        content_type__app_label="servers", codename__endswith="_buriedorder"
    ):
        permission.codename = permission.codename.replace("_buriedorder", "_keptrequest")
        permission.name = permission.name.replace(" buried order", " kept request")
        permission.save(update_fields=["codename", "name"])


class Migration(migrations.Migration):
    """The table keeps its name: processes of the version before may still write it."""

    dependencies = [
        ("servers", "0007_server_fault"),
    ]

    operations = [
        migrations.AlterModelTable(name="buriedorder", table="servers_buriedorder"),
        migrations.RenameModel(old_name="BuriedOrder", new_name="KeptRequest"),
        migrations.AlterField(
            model_name="keptrequest",
            name="instance",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="kept_request",
                to="servers.instance",
            ),
        ),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop),
    ]

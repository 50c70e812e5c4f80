from typing import Any

from django.db import migrations


def rename_permissions(apps: Any, schema_editor: Any) -> None:
    """Who was given a permission on the model has it under its new name."""
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    for permission in permissions.filter(
        content_type__app_label="servers", codename__endswith="_fault"
    ):
        permission.codename = permission.codename.replace("_fault", "_serverfault")
        permission.name = permission.name.replace(" fault", " server fault")
        permission.save(update_fields=["codename", "name"])


class Migration(migrations.Migration):
    """The table keeps its name: processes of the version before may still write it."""

    dependencies = [
        ("servers", "0006_node_columns"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelTable(name="fault", table="servers_fault"),
        migrations.RenameModel(old_name="Fault", new_name="ServerFault"),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop),
    ]

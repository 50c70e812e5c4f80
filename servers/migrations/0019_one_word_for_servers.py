from typing import Any

from django.db import migrations

NAMES = {
    "instance": ("instance", "server"),
    "instancemapping": ("instance mapping", "server mapping"),
    "instanceaction": ("instance action", "action"),
    "instanceactionevent": ("instance action event", "event of an action"),
}
"""What the models were called, and are."""


def rename_permissions(apps: Any, schema_editor: Any) -> None:
    """Their names stay as the models were called when they were made, unless they are renamed."""
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    verbs = ("add", "change", "delete", "view")
    for model, (old, new) in NAMES.items():
        of_model = permissions.filter(content_type__app_label="servers", content_type__model=model)
        for verb in verbs:
            of_model.filter(name=f"Can {verb} {old}").update(name=f"Can {verb} {new}")


class Migration(migrations.Migration):
    dependencies = [
        ("servers", "0018_host_wires"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="instancemapping", options={"verbose_name": "server mapping"}
        ),
        migrations.AlterModelOptions(
            name="instanceactionevent",
            options={
                "ordering": ["-start_time", "-id"],
                "verbose_name": "event of an action",
                "verbose_name_plural": "events of actions",
            },
        ),
        migrations.RunPython(rename_permissions, migrations.RunPython.noop),
    ]

"""What later microversions of the volume API show."""

import django.utils.timezone
from django.db import migrations, models

TABLES = ("volume_volume", "volume_snapshot")
KEEP = """
    CREATE FUNCTION volume_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.updated_at = clock_timestamp();
        RETURN NEW;
    END $$;
""" + "".join(
    f"""
    CREATE TRIGGER {table}_changed BEFORE UPDATE ON {table}
        FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION volume_note_change();
    """
    for table in TABLES
)
LEAVE = "".join(f"DROP TRIGGER {table}_changed ON {table};" for table in TABLES) + """
    DROP FUNCTION volume_note_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("volume", "0001_squashed_0003_types_and_metadata"),
    ]

    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="updated_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name="snapshot",
            name="user_id",
            field=models.CharField(blank=True, default="", max_length=36),
        ),
        migrations.AddField(
            model_name="volume",
            name="updated_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.RunSQL(KEEP, LEAVE),
    ]

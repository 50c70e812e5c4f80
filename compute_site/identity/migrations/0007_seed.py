from django.db import migrations

from compute_site.identity import seed


def make_rows(apps, editor):
    """The roles, and the catalogue."""
    seed.seed(apps)


class Migration(migrations.Migration):

    dependencies = [
        ('identity', '0006_domains'),
    ]

    operations = [
        migrations.RunPython(make_rows, migrations.RunPython.noop),
    ]

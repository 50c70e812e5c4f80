"""Jobs are found by key: the next one of a queue, and the builds that wait for a host."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("servers", "0011_copy_amounts_by_key"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE INDEX servers_job_due ON procrastinate_jobs (queue_name, priority DESC, id)
                WHERE status = 'todo'
            """,
            "DROP INDEX servers_job_due",
        ),
        migrations.RunSQL(
            """
            CREATE INDEX servers_job_build
                ON procrastinate_jobs (queue_name, ((args ->> 'node_id')::bigint), id)
                WHERE status = 'todo' AND task_name = 'servers.build_server'
            """,
            "DROP INDEX servers_job_build",
        ),
    ]

"""``manage.py make_seed``: fills the database for clouds that start as copies of it, and that can
be set back to what it holds then.
"""

from __future__ import annotations

import gc
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from psycopg import sql

from compute_site import cloudfile
from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud, parse
from compute_site.quickstart.demo_accounts import read_accounts

DEMO_CLOUD = Path(cloudfile.__file__).with_name("demo.yaml")
SEED = "compute_site_seed"
LEFT_ALONE = (
    *("django_migrations", "django_content_type", "auth_permission", "procrastinate_workers"),
    "procrastinate_version",
)
"""Tables that no request changes, and that of the workers that live."""
TABLES = """
    SELECT class.relname, array_agg(attname::text ORDER BY attnum)
    FROM pg_class class JOIN pg_attribute ON attrelid = class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND NOT relispartition AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    GROUP BY class.relname ORDER BY class.relname
"""
RESET = """
CREATE FUNCTION {seed}.reset() RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    SET LOCAL session_replication_role = replica;  -- no triggers, and no order of tables
    SET LOCAL synchronous_commit = off;
{statements}
END
$body$
"""


class Command(BaseCommand):
    help = "Migrate, load a cloud, and keep a copy of every table to go back to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--cloud", type=Path, default=DEMO_CLOUD)
        parser.add_argument("--accounts", type=Path, help="where to write who can sign in")

    def handle(self, *_args: Any, **options: Any) -> None:
        gc.disable()  # Django makes its models anew at each step; looking for garbage is a third
        call_command("migrate", verbosity=0, interactive=False)
        try:
            document = parse(options["cloud"].read_text(encoding="utf-8"))
            load_cloud(document)
        except (OSError, UnicodeDecodeError, CloudFileError) as error:
            raise CommandError(f"{options['cloud']}: {error}") from error
        keep_copies()
        if options["accounts"]:
            accounts = {
                name: [account.user, account.password, account.project]
                for name, account in read_accounts(document).items()
            }
            options["accounts"].write_text(json.dumps(accounts), encoding="utf-8")


def keep_copies() -> None:
    """Copy every table into a schema beside, with the function that brings all back."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [(name, columns) for name, columns in cursor.fetchall() if name not in LEFT_ALONE]
        cursor.execute(f"CREATE SCHEMA {SEED}")
        for name, columns in tables:
            copied = sql.SQL("CREATE TABLE {}.{} AS SELECT {} FROM {}")
            cursor.execute(
                copied.format(
                    sql.Identifier(SEED),
                    sql.Identifier(name),
                    _names(columns),
                    sql.Identifier("public", name),
                )
            )
        statements = sql.SQL("\n").join(_bring_back(*table) for table in tables)
        reset = sql.SQL(RESET)
        cursor.execute(reset.format(seed=sql.Identifier(SEED), statements=statements))
        cursor.execute("ANALYZE")


def _bring_back(name: str, columns: list[str]) -> sql.Composed:
    """Most tables are as they were, which is cheaper to see than to write."""
    statement = sql.SQL(
        "    IF (SELECT count(*) FROM {0}) <> (SELECT count(*) FROM {2})\n"
        "       OR EXISTS (SELECT {1} FROM {0} EXCEPT SELECT {1} FROM {2}) THEN\n"
        "        DELETE FROM {0}; INSERT INTO {0} ({1}) SELECT {1} FROM {2};\n"
        "    END IF;"
    )
    return statement.format(
        sql.Identifier("public", name), _names(columns), sql.Identifier(SEED, name)
    )


def _names(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))

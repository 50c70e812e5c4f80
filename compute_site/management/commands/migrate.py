"""``manage.py migrate``: Django's command, one process at a time."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from compute_site.db.locks import Lock, alone
from compute_site.db.sessions import unlimited_statements


class Command(migrate.Command):
    """See the module's description."""

    def handle(self, *args: Any, **options: Any) -> None:
        with alone(Lock.MIGRATION, tell_waiting=self.tell_waiting), unlimited_statements():
            super().handle(*args, **options)

    def tell_waiting(self) -> None:
        self.stderr.write("Another process migrates the database; this one waits for it.")

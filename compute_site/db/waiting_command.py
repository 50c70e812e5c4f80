"""The base of commands that need the tables of this release."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from compute_site.db.schema import wait_for_tables


class WaitingCommand(BaseCommand):
    """Waits until the database is migrated, as web processes and workers do: all may be started at
    the same time, where nothing has been before.
    """

    def execute(self, *args: Any, **options: Any) -> Any:
        wait_for_tables(self.tell_waiting)
        return super().execute(*args, **options)

    def tell_waiting(self) -> None:
        self.stderr.write("the database is not migrated yet (manage.py migrate); waiting for it")

"""``manage.py reset``: deletes the data of the site, after asking."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compute_site.db.postgres.users import is_used
from compute_site.quickstart.guests.host import is_left
from compute_site.quickstart.running import find_running
from compute_site.quickstart.state import find_state, remove_state

WILL_GO = """This deletes for ever, in {folder}:

{lines}
"""


class Command(BaseCommand):
    help = "Delete the embedded database and what the quickstart keeps beside it, after asking."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        folder = settings.STATE_DIR
        if running := find_running(folder):
            raise CommandError(f"The site runs (process {running[0]}). Stop it first: make stop")
        if is_left(folder):
            raise CommandError("Guests of this machine run. End them first: make stop")
        if is_used(folder / "postgres"):
            raise CommandError(f"Some process uses the database in {folder}; end it first.")
        found = find_state(folder)
        if not found:
            self.stdout.write(f"there is nothing to delete in {folder}")
            return
        lines = "\n".join(f"  {path.name:20} {what}" for path, what in found.items())
        self.stdout.write(WILL_GO.format(folder=folder, lines=lines))
        if not options["yes"] and input("Type yes to go on: ").strip() != "yes":
            raise CommandError("Nothing was deleted.")
        remove_state(found)
        self.stdout.write("deleted; the next start begins anew")

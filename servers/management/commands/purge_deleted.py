"""``manage.py purge_deleted``: forgets archived servers for good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from compute_site.db.waiting_command import WaitingCommand
from servers.delete.archive import purge_archived
from servers.management.commands.archive_deleted import at_least_one, moment


class Command(WaitingCommand):
    help = "Forget archived servers for good: all, or those deleted before a time."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--before", type=moment, help="only those deleted before this time (UTC)"
        )
        which.add_argument("--all", action="store_true", help="all of them")
        parser.add_argument("--max-rows", type=at_least_one, help="so many at most")

    def handle(self, *_args: Any, **options: Any) -> None:
        number = purge_archived(before=options["before"], most=options["max_rows"])
        self.stdout.write(f"{number} archived servers purged")

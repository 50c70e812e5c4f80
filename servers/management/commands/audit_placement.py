"""``manage.py audit_placement``: proves what is held of hosts against the servers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from servers.holdings.audit import find_wrongs


class Command(BaseCommand):
    help = "Compare what is held of hosts with the servers that lie on them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="mend what differs")

    def handle(self, *args: Any, fix: bool, **options: Any) -> None:
        found = left = 0
        for wrong in find_wrongs():
            found += 1
            mended = fix and wrong.mend()
            left += not mended
            self.stdout.write(f"{wrong.text}{' (mended)' if mended else ''}")
        if left:
            advice = "cannot be mended here" if fix else "--fix mends what can be"
            raise CommandError(f"{left} of {found} findings are left; {advice}")
        self.stdout.write(f"{found} findings mended" if found else "every allocation is right")

"""``manage.py check_quotas``: proves the counters of quotas against the servers and groups."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from compute_site.db.waiting_command import WaitingCommand
from compute_site.identity.models import Project
from quotas.counters import check_counters, find_suspects
from servers.usage import count_all_usage, count_usage


class Command(WaitingCommand):
    help = "Compare each project's usage with its servers and server groups."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="correct the counters that differ")

    def handle(self, *args: Any, fix: bool, **options: Any) -> None:
        wrong = 0
        suspects = find_suspects(count_all_usage())
        for project in Project.objects.filter(pk__in=suspects).order_by("name"):
            for drift in check_counters(project.pk, count_usage, fix=fix):
                wrong += 1
                self.stdout.write(
                    f"{project.name}: {drift.resource} is counted as {drift.counter}, "
                    f"but {drift.counted} are in use"
                )
        if wrong and not fix:
            raise CommandError(f"{wrong} counters are wrong; --fix corrects them")
        self.stdout.write(f"{wrong} counters corrected" if wrong else "every counter is right")

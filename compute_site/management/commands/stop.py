"""``manage.py stop``: ends the quickstarts of this state folder."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compute_site.quickstart.guests.host import end_guests
from compute_site.quickstart.running import stop_all


class Command(BaseCommand):
    help = "End the quickstart that serves from this state folder."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        ended, left = stop_all(settings.STATE_DIR)
        if not left:  # those of one that was killed
            end_guests(settings.STATE_DIR, self.stdout.write)
        for pid in ended:
            self.stdout.write(f"process {pid} has ended")
        if left:
            raise CommandError(f"still running: {', '.join(map(str, left))}")
        if not ended:
            self.stdout.write(f"no quickstart runs in {settings.STATE_DIR}")

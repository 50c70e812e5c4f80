"""Deletes expired tokens; to be run regularly."""

from __future__ import annotations

from typing import Any

from compute_site.db.waiting_command import WaitingCommand
from compute_site.identity.oauth import purge_requests
from compute_site.identity.tokens import purge_tokens


class Command(WaitingCommand):
    help = "Delete the tokens that are over."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{purge_tokens() + purge_requests()} expired tokens deleted.")

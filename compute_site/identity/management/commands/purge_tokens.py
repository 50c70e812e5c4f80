"""Deletes expired tokens; to be run regularly."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from compute_site.identity.tokens import purge_tokens


class Command(BaseCommand):
    help = "Delete the tokens that are over."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{purge_tokens()} expired tokens deleted.")

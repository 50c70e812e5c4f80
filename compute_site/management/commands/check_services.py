"""``manage.py check_services``: can this site use the services of the cloud that it is to join?"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compute_site.neighbours.elsewhere.login import find_problems
from servers.hosts.agents import useless_hosts


class Command(BaseCommand):
    help = "Try the services elsewhere that the options name, and say what is wrong."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        wrong = list(find_problems())
        if wrong or not settings.OPTIONS.joined_services:
            lines = [(False, text) for text in wrong]
        else:  # needs the extra, which is there
            try_cloud = import_module("compute_site.neighbours.elsewhere.trying").try_cloud
            lines = [(found.fine, found.text) for found in try_cloud()]
            lines += [(False, text) for text in useless_hosts()]
        if not lines:
            self.stdout.write("No service elsewhere is used: all four are those of this site.")
        for fine, text in lines:
            self.stdout.write(f"{'ok   ' if fine else 'WRONG'}  {text}")
        if not all(fine for fine, _ in lines):
            raise CommandError("this site cannot use the cloud so; see docs/services.md")

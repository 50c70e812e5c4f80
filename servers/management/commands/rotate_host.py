"""``manage.py rotate_host NAME``: ends the token of a host, and prints the line for another."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from compute_site.faults import Fault
from servers.hosts.agents import rotate_host
from servers.management.commands.add_host import add_line_options, check_line, line_of


class Command(BaseCommand):
    help = "End the token of a host at once, and print the line with which it joins again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name of the host in the cloud")
        add_line_options(parser)

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        check_line(options)
        try:
            token = rotate_host(name)
        except Fault as fault:
            raise CommandError(fault.detail) from None
        self.stdout.write(line_of(token, options))

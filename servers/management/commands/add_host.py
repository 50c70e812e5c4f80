"""``manage.py add_host NAME``: prints the line with which a host joins this cloud."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from compute_site.faults import Fault
from servers.hosts.agents import add_host
from servers.models.cell import CELL1


class Command(BaseCommand):
    help = "Let a host of this name join, and print the line to run on it; it is good once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name of the host in the cloud")
        parser.add_argument("--cell", default=CELL1, help="its cell (default: %(default)s)")
        add_site(parser)

    def handle(self, *args: Any, name: str, cell: str, site: str, **options: Any) -> None:
        try:
            token = add_host(name, cell=cell)
        except Fault as fault:
            raise CommandError(fault.detail) from None
        self.stdout.write(join_line(site, token))


def add_site(parser: CommandParser) -> None:
    parser.add_argument(
        "--site",
        default=settings.OPTIONS.public_url or "http://127.0.0.1:8774",
        help="scheme, host and port under which hosts reach this site (default: %(default)s)",
    )


def join_line(site: str, token: str) -> str:
    """What to run on the host."""
    return f"compute-site agent join --site {site} --token {token}"

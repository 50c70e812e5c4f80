"""``manage.py add_host NAME``: prints the line with which a host joins this cloud."""

from __future__ import annotations

import shlex
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from compute_site.faults import Fault
from servers.agent.__main__ import TOKEN, Refused, check_site
from servers.hosts.agents import add_host
from servers.models.cell import CELL1


class Command(BaseCommand):
    help = (
        "Let a host of this name join, and print the line to run on it, as root on Debian: it "
        "installs packages and agent, and joins. It is good once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name of the host in the cloud")
        parser.add_argument("--cell", default=CELL1, help="its cell (default: %(default)s)")
        add_line_options(parser)

    def handle(self, *args: Any, name: str, cell: str, **options: Any) -> None:
        check_line(options)
        try:
            token = add_host(name, cell=cell)
        except Fault as fault:
            raise CommandError(fault.detail) from None
        self.stdout.write(line_of(token, options))


def add_line_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--site",
        default=settings.OPTIONS.public_url or "http://127.0.0.1:8774",
        help="scheme, host and port under which hosts reach this site (default: %(default)s)",
    )
    parser.add_argument(
        "--ca-file", help="a file on the host with the certificates that the site's is checked with"
    )
    parser.add_argument(
        "--plain-http",
        action="store_true",
        help="the host goes to a site on another machine without TLS: who listens has its token",
    )
    parser.add_argument(
        "--installed",
        action="store_true",
        help="the host has this package, and what guests need: print the line that only joins",
    )


def check_line(options: dict[str, Any]) -> None:
    """Raises ``CommandError``: the host could not join with that."""
    try:
        check_site(options["site"], plain=options["plain_http"])
    except Refused as error:
        raise CommandError(f"{error}; --plain-http says that the network is safe") from None


def line_of(token: str, options: dict[str, Any]) -> str:
    """What to run on the host. The token stands in no list of processes."""
    site = options["site"].rstrip("/")
    more = ["--plain-http"] if options["plain_http"] else []
    more += ["--ca-file", options["ca_file"]] if options["ca_file"] else []
    if options["installed"]:
        words = ["compute-site", "agent", "join", "--site", site, "--hypervisor", "libvirt", *more]
        return f"{TOKEN}={token} {shlex.join(words)}"
    checked = ["--cacert", options["ca_file"]] if options["ca_file"] else []
    secure = ["--proto", "=https"] if site.startswith("https:") else []
    fetch = shlex.join(["curl", "-fsS", *secure, *checked, f"{site}/host/v1/install.sh"])
    run = shlex.join(["sh", "-s", "--", "--site", site, *more])
    return f"{fetch} | {TOKEN}={token} {run}"

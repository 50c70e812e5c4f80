"""Serves volumes by iSCSI."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compute_site.neighbours.volume.local import exports
from compute_site.neighbours.volume.local.target_server import NoTargetServer, serve
from compute_site.values.words import is_portal


class Command(BaseCommand):
    """``manage.py volume_target``: until SIGTERM or Ctrl-C."""

    help = "Serve volumes by iSCSI, for hosts that do not share their folder."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--listen",
            metavar="ADDRESS:PORT",
            help="where it listens (default: COMPUTE_SITE_VOLUME_PORTAL, at which hosts ask)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not exports.are_used():
            raise CommandError("COMPUTE_SITE_VOLUME_EXPORT is not iscsi: there is nothing to serve")
        portal = options["listen"] or settings.OPTIONS.volume_portal
        if not is_portal(portal):
            raise CommandError(f"--listen: give an address and a port, not {portal!r}")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write(f"Volumes are served at {portal}.")
        self.stdout.flush()
        try:
            serve(portal, stop)
        except NoTargetServer as error:
            raise CommandError(error.detail) from None

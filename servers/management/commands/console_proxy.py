"""Serves consoles of servers to browsers."""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from servers.console_proxy import parts
from servers.console_proxy.serve import start


class Command(BaseCommand):
    """``manage.py console_proxy``: until SIGTERM or Ctrl-C."""

    help = "Serve pages with consoles of servers, by VNC (noVNC) and serial line (xterm.js)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        parser.add_argument("--port", type=int, default=6080, help="default: %(default)s")
        parser.add_argument(
            "--install", action="store_true", help="let npm bring noVNC and xterm.js, and end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["install"]:
                parts.install()
                self.stdout.write(f"noVNC and xterm.js are in {parts.folder()}.")
                return
            parts.check()
        except parts.PartsMissing as error:
            raise CommandError(str(error)) from None
        asyncio.run(self._serve(options["host"], options["port"]))

    async def _serve(self, host: str, port: int) -> None:
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end.set)
        async with await start(host, port):
            self.stdout.write(f"Consoles are served at http://{host}:{port}.")
            await end.wait()

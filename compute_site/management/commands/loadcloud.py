"""``manage.py loadcloud FILE``: makes the database match a cloud file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud, parse
from compute_site.db.waiting_command import WaitingCommand


class Command(WaitingCommand):
    help = "Make the database match a cloud file (YAML or JSON): all of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path of the file; - reads standard input")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            counts = load_cloud(parse(_read(options["file"])))
        except CloudFileError as error:
            raise CommandError(f"{options['file']}: nothing was changed.\n{error}") from error
        if options["verbosity"] > 0:
            loaded = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
            self.stdout.write(f"loaded {loaded or 'nothing'}")


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error

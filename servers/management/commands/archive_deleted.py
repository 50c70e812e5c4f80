"""``manage.py archive_deleted``: takes deleted servers out of the tables that requests read."""

from __future__ import annotations

import argparse
import datetime as dt
import time
from typing import Any

from django.core.management.base import CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from compute_site.db.waiting_command import WaitingCommand
from servers.delete.archive import archive_deleted, purge_archived

MOST = 1000


class Command(WaitingCommand):
    help = "Archive deleted servers with all that belonged to them; the site goes on meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--before", type=moment, help="only those deleted before this time (UTC)"
        )
        parser.add_argument(
            "--max-rows", type=at_least_one, default=MOST, help="servers at most in a round"
        )
        parser.add_argument(
            "--until-complete", action="store_true", help="go on until there are none left"
        )
        parser.add_argument("--sleep", type=seconds, default=0.0, help="seconds between rounds")
        parser.add_argument(
            "--purge", action="store_true", help="then forget all archived servers for good"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        before, most = options["before"], options["max_rows"]
        total = number = archive_deleted(before=before, most=most)
        while number and options["until_complete"]:
            time.sleep(options["sleep"])
            number = archive_deleted(before=before, most=most)
            total += number
        self.stdout.write(f"{total} deleted servers archived")
        if options["purge"]:
            number = purge_archived(before=None)
            self.stdout.write(f"{number} archived servers purged")


def moment(text: str) -> dt.datetime:
    """A time or a day, UTC unless it says otherwise."""
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
    except ValueError:
        found = day = None
    if day is not None:
        found = dt.datetime.combine(day, dt.time())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: give one such as 2026-01-31 or 2026-01-31T12:00:00"
        )
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def at_least_one(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r}: give seconds, at most a day")
    return number

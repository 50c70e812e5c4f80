"""``manage.py worker``: schedules, builds and deletes servers until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from servers.lifecycle.jobs import COMPUTE, CONDUCTOR
from servers.worker.processes import run_processes
from servers.worker.run import WorkerPool, run_workers

DEFAULT_CONCURRENCY = {CONDUCTOR: 2, COMPUTE: 8}


class Command(BaseCommand):
    help = (
        "Work on the queues. SIGTERM or Ctrl-C: what has begun is finished, the rest waits for "
        "the next worker. Any number of workers may run, on any number of machines."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        names = ", ".join(DEFAULT_CONCURRENCY)
        parser.add_argument(
            "--queues",
            default=",".join(DEFAULT_CONCURRENCY),
            help=f"which queues, separated by commas (default: all of {names})",
        )
        parser.add_argument(
            "--concurrency",
            type=int,
            default=DEFAULT_CONCURRENCY[COMPUTE],
            help="how many jobs of hosts each process runs at once (default: %(default)s)",
        )
        parser.add_argument(
            "--processes",
            type=int,
            default=len(os.sched_getaffinity(0)),
            help="how many processes work; one that dies is replaced (default: the cores, "
            "%(default)s here)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queues = [name.strip() for name in options["queues"].split(",") if name.strip()]
        unknown = [name for name in queues if name not in DEFAULT_CONCURRENCY]
        if unknown or not queues:
            known = ", ".join(DEFAULT_CONCURRENCY)
            raise CommandError(f"--queues: give one or more of {known}, not {options['queues']!r}")
        if options["concurrency"] < 1:
            raise CommandError("--concurrency: give a number above 0")
        if options["processes"] < 1:
            raise CommandError("--processes: give a number above 0")
        numbers = {**DEFAULT_CONCURRENCY, COMPUTE: options["concurrency"]}
        pools = [WorkerPool(queue=name, concurrency=numbers[name]) for name in queues]

        def work() -> None:
            asyncio.run(run_workers(pools))

        if options["processes"] == 1:
            work()
        else:
            run_processes(options["processes"], work)

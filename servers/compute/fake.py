"""A driver for hosts that do not exist: every step succeeds, after the configured delay."""

from __future__ import annotations

import time

from django.conf import settings

from servers.compute.protocol import Guest


def plug_nics(guest: Guest) -> None:  # noqa: ARG001 - nothing is plugged
    work()


def attach_disks(guest: Guest) -> None:  # noqa: ARG001 - nothing is attached
    work()


def spawn(guest: Guest) -> None:  # noqa: ARG001 - nothing is started
    work()


def destroy(server_id: str, node: str) -> None:  # noqa: ARG001 - nothing is ended
    work()


def work() -> None:
    """Take as long as a step shall take."""
    seconds: float = settings.OPTIONS.fake_driver_delay_seconds
    if seconds:
        time.sleep(seconds)

"""Which module drives a host: the ``driver`` of its node decides."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from servers.drivers.protocol import ComputeDriver, DriverFailed

DRIVERS = {"fake": "servers.drivers.fake"}


def driver_of(name: str) -> ComputeDriver:
    """The driver of that name.

    Raises:
        DriverFailed: there is none.
    """
    if name not in DRIVERS:
        raise DriverFailed(f"No driver {name!r} is known here; there are: {', '.join(DRIVERS)}.")
    return cast("ComputeDriver", import_module(DRIVERS[name]))

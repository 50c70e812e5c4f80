"""The old place of ``tests.world.reservations``."""

from tests.world.reservations import *  # noqa: F403

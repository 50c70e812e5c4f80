"""The old place of ``tests.world.orders``."""

from tests.world.orders import *  # noqa: F403

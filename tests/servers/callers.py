"""The old place of ``tests.world.callers``."""

from tests.world.callers import *  # noqa: F403

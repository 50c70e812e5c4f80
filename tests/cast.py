"""The old place of ``tests.world.cast``."""

from tests.world.cast import *  # noqa: F403

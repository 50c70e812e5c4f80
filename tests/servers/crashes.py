"""The old place of ``tests.world.crashes``."""

from tests.world.crashes import *  # noqa: F403

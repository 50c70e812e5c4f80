"""The old place of ``tests.world.hosts``."""

from tests.world.hosts import *  # noqa: F403

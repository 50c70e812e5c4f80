"""The old place of ``tests.world.log``."""

from tests.world.log import *  # noqa: F403

"""The old place of ``tests.world.services``."""

from tests.world.services import *  # noqa: F403

"""The old place of ``tests.world.client``."""

from tests.world.client import *  # noqa: F403

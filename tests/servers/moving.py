"""The old place of ``tests.world.moving``."""

from tests.world.moving import *  # noqa: F403

"""The old place of ``tests.world.jobs``."""

from tests.world.jobs import *  # noqa: F403

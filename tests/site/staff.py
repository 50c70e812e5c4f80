"""The old place of ``tests.world.staff``."""

from tests.world.staff import *  # noqa: F403

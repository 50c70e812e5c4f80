"""The old place of ``tests.world.threads``."""

from tests.world.threads import *  # noqa: F403

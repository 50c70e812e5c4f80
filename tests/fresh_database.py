"""The old place of ``tests.world.fresh_database``."""

from tests.world.fresh_database import *  # noqa: F403

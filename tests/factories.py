"""The old place of ``tests.world.factories``."""

from tests.world.factories import *  # noqa: F403
from tests.world.hosts import make_host  # noqa: F401

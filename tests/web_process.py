"""The old place of ``tests.world.web_process``."""

from tests.world.web_process import *  # noqa: F403

"""An operator's client of the Placement API."""

from __future__ import annotations

import pytest

from tests.world.cast import Cast
from tests.placement_api.client import PlacementClient


@pytest.fixture
def placement(cast: Cast) -> PlacementClient:
    return PlacementClient(cast.admin)

"""An operator's client of the Placement API."""

from __future__ import annotations

import pytest

from tests.placement_api.client import PlacementClient
from tests.world.cast import Cast


@pytest.fixture
def placement(cast: Cast) -> PlacementClient:
    return PlacementClient(cast.admin)

"""Fixtures of the tests that go through HTTP."""

from __future__ import annotations

import pytest

from tests.world.cast import Cast
from tests.world.orders import Shop


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return Shop()

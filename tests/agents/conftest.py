from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world.agents import stop_listening


@pytest.fixture(autouse=True, scope="session")
def _deaf_in_the_end(django_db_setup: None) -> Iterator[None]:
    yield
    stop_listening()

"""What tests of the conductor share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.signals import connection_created


@pytest.fixture(autouse=True)
def _hasty_commits() -> Iterator[None]:
    """What is committed need not reach the disk: these tests commit thousands of times."""

    def hurry(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")

    connection_created.connect(hurry)
    yield
    connection_created.disconnect(hurry)

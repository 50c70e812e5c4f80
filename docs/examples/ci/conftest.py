"""Each test has a cloud as it was in the beginning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openstack.connection import Connection


@pytest.fixture
def cloud(openstack_cloud: Any) -> Iterator[Connection]:
    """The user ``demo``, whose client asks again after a 503 or a lost connection."""
    yield openstack_cloud.connection(compute_status_code_retries=2, compute_connect_retries=2)
    openstack_cloud.reset()

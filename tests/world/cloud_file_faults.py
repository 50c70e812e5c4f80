"""What a cloud file that is wrong must come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud


def check_refused(section: str, entry: Any, told: str, rows: Callable[[], Any]) -> None:
    """The one entry of the section is refused in these words, and ``rows`` stay as they are."""
    before = rows()
    with pytest.raises(CloudFileError) as error:
        load_cloud({section: [entry]})
    assert f"{section}[0]" in str(error.value)
    assert told in str(error.value)
    assert rows() == before

"""Flavors, quotas and limits on the pages for people."""

from __future__ import annotations

import pytest

from tests.world.cast import ALPHA, Cast
from tests.world.client import browser_of
from tests.world.factories import make_flavor


@pytest.mark.parametrize(
    "path",
    [
        "/flavors",
        "/flavors/detail",
        "/flavors/f",
        "/flavors/f/action",
        "/flavors/f/os-extra_specs",
        "/flavors/f/os-extra_specs/a",
        "/flavors/f/os-flavor-access",
        "/limits",
        f"/os-quota-sets/{ALPHA}",
        f"/os-quota-sets/{ALPHA}/detail",
        f"/os-quota-sets/{ALPHA}/defaults",
        "/os-quota-class-sets/default",
    ],
)
def test_every_url_has_a_page(cast: Cast, path: str) -> None:
    make_flavor(flavorid="f", extra_specs={"a": "b"}, is_public=False)
    answer = browser_of(cast.admin).get(path)
    assert answer.status == (404 if path.endswith("/action") else 200)
    assert answer.headers["Content-Type"].startswith("text/html")

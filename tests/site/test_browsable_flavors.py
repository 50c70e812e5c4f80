"""Flavors, quotas and limits on the pages for people."""

from __future__ import annotations

import pytest

from tests.cast import ALPHA
from tests.client import ApiClient
from tests.factories import make_flavor


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
def test_every_url_has_a_page(as_admin: ApiClient, path: str) -> None:
    make_flavor(flavorid="f", extra_specs={"a": "b"}, is_public=False)
    answer = as_admin.get(path, headers={"Accept": "text/html"})
    assert answer.status == (404 if path.endswith("/action") else 200)
    assert answer.headers["Content-Type"].startswith("text/html")

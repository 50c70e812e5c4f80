"""Pages may load and do only what the site itself brings along."""

from __future__ import annotations

import re

import pytest

from tests.world.cast import Cast
from tests.world.client import ApiClient, browser_of

PAGES = (
    "/compute/v2.1/servers",
    "/compute/v2.1/flavors/nosuch",
    "/docs/",
    "/accounts/login/",
    "/admin/login/",
    "/admin/",
    "/admin/identity/user/",
    "/admin/flavors/flavor/add/",
    "/nosuch",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_policy_that_it_keeps(cast: Cast, path: str) -> None:
    cast.admin.user.is_staff = cast.admin.user.is_superuser = True
    cast.admin.user.save()
    page = browser_of(cast.admin).http.get(path)
    if page.status_code == 302:  # whoever is logged in needs no login page
        page = ApiClient().http.get(path)
    policy = page["Content-Security-Policy"]
    assert "script-src 'self'; " in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    text = page.content.decode()
    scripts = re.findall(r"<script\b[^>]*>", text)
    assert [tag for tag in scripts if " src=" not in tag and "application/json" not in tag] == []
    assert re.findall(r"<[^>]* on[a-z]+=", text) == []
    assert "javascript:" not in text


def test_the_script_of_the_documentation_is_a_file_of_its_own(anonymous: ApiClient) -> None:
    page = anonymous.get("//docs/?microversion=2.67").content.decode()
    source = re.search(r'<script src="(/docs/[^"]*script=[^"]*)"', page)
    assert source
    script = anonymous.get("/" + source[1].replace("&amp;", "&")).expect(200)
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert b"/schema/?microversion\\u003D2.67" in script.content


@pytest.mark.parametrize("path", ["/servers", "//compute/", "//identity/v3", "//image/"])
def test_answers_for_programs_need_none(as_member: ApiClient, path: str) -> None:
    assert "Content-Security-Policy" not in as_member.get(path).headers

"""Display names and host names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.create.names import display_names, hostnames, sanitise_hostname


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("web", "web"),
        ("Web Server", "web-server"),
        ("a_b.c", "a-b-c"),
        ("-.web.-", "web"),
        ("w!e@b#", "web"),
        ("wéb", "wéb"),
        ("名前", ""),
        ("名web", "web"),
        ("...", ""),
        ("x" * 70, "x" * 63),
        ("名" * 10 + "x" * 70, "x" * 63),
        ("x" * 62 + "!!", "x" * 62),
    ],
)
def test_what_of_a_name_can_stand_in_a_host_name(name: str, clean: str) -> None:
    assert sanitise_hostname(name) == clean


@given(st.text())
def test_a_clean_name_stays_clean(name: str) -> None:
    clean = sanitise_hostname(name)
    assert sanitise_hostname(clean) in {clean, clean.strip("-")}
    assert not clean.startswith(("-", "."))


def test_one_server_has_the_bare_name() -> None:
    assert display_names("web", 1) == ["web"]
    assert hostnames("Web", None, ["u1"]) == ["web"]


def test_several_are_numbered_from_one() -> None:
    assert display_names("web", 2) == ["web-1", "web-2"]
    assert hostnames("x" * 70, None, ["u1", "u2"]) == ["x" * 63 + "-1", "x" * 63 + "-2"]


def test_an_asked_host_name_is_taken_as_it_is() -> None:
    assert hostnames("web", "Front.example.org", ["u1"]) == ["Front.example.org"]


def test_without_a_clean_name_the_id_is_used() -> None:
    assert hostnames("名", None, ["u1", "u2"]) == ["Server-u1", "Server-u2"]

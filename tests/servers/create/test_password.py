"""Generated admin passwords."""

from __future__ import annotations

import dataclasses

import pytest
from pytest_django import Settings

from servers.machine.password import GROUPS, choose_password


@pytest.mark.parametrize("length", [3, 12, 40])
def test_a_password_has_a_character_of_each_group(settings: Settings, length: int) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, password_length=length)
    password = choose_password(None)
    assert len(password) == length
    assert all(set(password) & set(group) for group in GROUPS)
    assert set(password) <= set("".join(GROUPS))


def test_a_site_may_want_very_short_ones(settings: Settings) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, password_length=2)
    assert len(choose_password(None)) == 2


def test_no_character_looks_like_another() -> None:
    assert not set("01lIO") & set("".join(GROUPS))


@pytest.mark.parametrize("asked", ["", "secret"])
def test_an_asked_password_is_kept(asked: str) -> None:
    assert choose_password(asked) == asked

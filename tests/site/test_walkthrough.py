"""``docs/walkthrough.md`` names modules, functions and tests that exist."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

STEP = re.compile(r"^\| (\d+) \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)
MODULE = re.compile(r"`([\w/]+\.py)`(?:: ((?:`[\w.]+`(?:, )?)+))?")
TESTS = re.compile(r"`(?:…(_\w+)|([\w/]+(?:\.py|/)))`")
TEXT = (settings.BASE_DIR / "docs" / "walkthrough.md").read_text()
STEPS = STEP.findall(TEXT)


def source_of(module: str) -> str:
    for folder in ("", "servers/create", "servers/serializers"):
        path = settings.BASE_DIR / folder / module
        if path.is_file():
            return path.read_text()
    raise AssertionError(f"{module} does not exist")


def test_every_step_is_there_once() -> None:
    assert [int(number) for number, *_ in STEPS] == list(range(1, 75))


@pytest.mark.parametrize(("number", "_step", "where", "_test"), STEPS)
def test_what_does_it_exists(number: str, _step: str, where: str, _test: str) -> None:
    for module, names in MODULE.findall(where):
        source = source_of(module)
        for name in re.findall(r"`([\w.]+)`", names):
            assert name.split(".")[-1] in source, f"step {number}: {module} has no {name}"


@pytest.mark.parametrize(("number", "_step", "_where", "test"), STEPS)
def test_what_shows_it_exists(number: str, _step: str, _where: str, test: str) -> None:
    for short, path in TESTS.findall(test):
        name = f"tests/api/test_servers_create{short}.py" if short else path
        found = [settings.BASE_DIR / name, settings.BASE_DIR / "tests/api" / name]
        assert any(place.exists() for place in found), f"step {number}: {name}"
    for name in re.findall(r"`(Test\w+)`", test):
        files = (settings.BASE_DIR / "tests/api").glob("test_servers_create_*.py")
        assert any(f"class {name}" in file.read_text() for file in files), name

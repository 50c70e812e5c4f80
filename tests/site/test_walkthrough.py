"""docs/walkthrough.md names code and tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ROWS = [
    line
    for line in (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d+ \|", line)
]
REFERENCE = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")


def names(path: Path) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_step_is_there_once() -> None:
    assert [int(row.split("|")[1]) for row in ROWS] == list(range(1, 75))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_step_names_code_and_a_test_that_exist(row: str) -> None:
    references = REFERENCE.findall(row)
    assert any(path.startswith("tests/") for path, _ in references)
    for path, name in references:
        assert (ROOT / path).is_file(), path
        assert not name or name in names(ROOT / path), f"{path} has no {name}"

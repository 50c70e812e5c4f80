"""What code and documents refer to is there: sections of the contract, files, and other pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
CONTRACT = ROOT / "docs" / "contract"
CODE = [
    path
    for top in ("compute_site", "flavors", "quotas", "servers")
    for path in sorted((ROOT / top).rglob("*.py"))
]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
HEADING = re.compile(r"^#+ ([A-M]\d{0,2}|\d+(?:\.\d+)?)[. ]", re.MULTILINE)
REFERENCE = re.compile(
    r"docs/contract/(?P<sheet>[\w-]+\.md)"
    r"(?P<marks>(?:,? (?:and |to )?(?:[A-M]\d{0,2}|\d+(?:\.\d+)?)\b)*)"
)
MARK = re.compile(r"[A-M]\d{0,2}|\d+(?:\.\d+)?")
STEP = re.compile(r"  # ((?:[A-M]\d{0,2}(?:, | to )?)+)$", re.MULTILINE)


def sections(sheet: str) -> set[str]:
    return set(HEADING.findall((CONTRACT / sheet).read_text(encoding="utf-8")))


def references(path: Path) -> Iterator[tuple[str, str]]:
    """Sheet and section, for each section that a file names."""
    text = re.sub(r"\s+(?:# )?", " ", path.read_text(encoding="utf-8"))
    for found in REFERENCE.finditer(text):
        yield found["sheet"], ""
        for mark in MARK.findall(found["marks"]):
            yield found["sheet"], mark


def test_every_section_that_the_code_names_is_in_the_contract() -> None:
    named = {(path, *reference) for path in CODE for reference in references(path)}
    assert len(named) > 80
    missing = [
        f"{path.relative_to(ROOT)}: {sheet} has no section {mark}"
        for path, sheet, mark in sorted(named)
        if not (CONTRACT / sheet).is_file() or (mark and mark not in sections(sheet))
    ]
    assert missing == []


def test_every_step_of_a_create_is_in_the_contract() -> None:
    marks = STEP.findall((ROOT / "servers/create/__init__.py").read_text(encoding="utf-8"))
    assert len(marks) > 20
    assert {mark for marks_of_step in marks for mark in MARK.findall(marks_of_step)} <= sections(
        "create-flow.md"
    )


def test_no_mark_stands_without_its_sheet() -> None:
    bare = re.compile(r"\([A-M]\d{1,2}(?:(?:, | to | and )[A-M]\d{1,2})*\)")
    listing = "servers/hardware/__init__.py"  # names the sheet once for a list of functions
    found = [
        f"{path.relative_to(ROOT)}: {match}"
        for path in CODE
        if str(path.relative_to(ROOT)) != listing
        for match in bare.findall(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_refers_to_what_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    paths = re.findall(
        r"`((?:compute_site|servers|flavors|quotas|tests|docs)/[\w./-]+)(?:::\w+)?`", text
    )
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_functions_and_tests_that_pages_name_are_there() -> None:
    named = {
        (page, *found)
        for page in PAGES
        for found in re.findall(
            r"`((?:\w+/)+\w+\.py)::(\w+)", page.read_text(encoding="utf-8", errors="replace")
        )
    }
    assert len(named) > 20
    missing = [
        f"{page.relative_to(ROOT)}: {path} has no {name}"
        for page, path, name in sorted(named)
        if not re.search(
            rf"\b{name}\b",
            (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else "",
        )
    ]
    assert missing == []

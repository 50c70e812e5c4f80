"""Which regular expressions of clients are looked for."""

from __future__ import annotations

import pytest

from compute_site.db.patterns import CostlyPattern, check_pattern

UUID = "[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"


@pytest.mark.parametrize(
    "pattern",
    [
        "web",
        "^web-[0-9]+$",
        "(?i)^web",
        "web|db|cache",
        r"^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$",
        r"a\\1",
        r"[\1]",
        UUID,
        "^([a-z]([a-z0-9-]{0,61}[a-z0-9])?)$",
        "^(" + "|".join(f"{number:036}" for number in range(25)) + ")$",
        "(?:a|b)(?#a comment)c",
        "^(?!test).*$",
    ],
)
def test_what_people_look_for_is_looked_for(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a)\1",
        r"(a)\\\1",
        "(a|b|c)" * 50,
        ".?" * 60,
        "(.?.?){50}",
        "((a{50}){50}){50}",
        "(?=.*a)" * 10,
        "a{1,4000}",
        "(?x)a",
        "(?ix)a",
        "***:a",
    ],
)
def test_what_could_keep_the_database_busy_is_refused(pattern: str) -> None:
    with pytest.raises(CostlyPattern):
        check_pattern(pattern)

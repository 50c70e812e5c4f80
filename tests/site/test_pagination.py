"""Pages cut by key: put together, they are the whole list in its order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test.utils import CaptureQueriesContext

from compute_site.db.paging import Paging, cut_page
from compute_site.options import Options
from flavors.models import Flavor
from tests.world.factories import make_flavor

ORDERS = [
    [("id", False)],
    [("memory_mb", False), ("id", False)],
    [("memory_mb", True), ("id", False)],
    [("description", False), ("memory_mb", True), ("id", True)],
    [("description", True), ("memory_mb", False), ("id", False)],
]


@pytest.fixture
def rows(db: None) -> None:
    for description, memory in itertools.product((None, "a", "b", None), (128, 64, 128)):
        make_flavor(description=description, memory_mb=memory)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 3, 5, 12, 50])
def test_pages_put_together_are_the_whole(
    rows: None, order: list[tuple[str, bool]], limit: int
) -> None:
    found: list[Flavor] = []
    page = cut_page(Flavor.objects.all(), order, Paging(limit))
    while page:
        assert len(page) <= limit
        found += page
        page = cut_page(Flavor.objects.all(), order, Paging(limit), page[-1])
    assert found == cut_page(Flavor.objects.all(), order, Paging(100))
    assert len(found) == 12


def test_null_sorts_as_the_largest(rows: None) -> None:
    order = [("description", False), ("id", False)]
    found = [row.description for row in cut_page(Flavor.objects.all(), order, Paging(100))]
    assert found == ["a"] * 3 + ["b"] * 3 + [None] * 6


def test_a_page_is_one_statement_and_an_empty_one_none(
    rows: None, statements: Callable[[], AbstractContextManager[CaptureQueriesContext]]
) -> None:
    first = Flavor.objects.first()
    with statements() as seen:
        cut_page(Flavor.objects.all(), [("id", False)], Paging(2), first)
        assert cut_page(Flavor.objects.all(), [("id", False)], Paging(0)) == []
    assert len(seen) == 1


def test_the_limit_is_at_most_the_largest_page(settings: object) -> None:
    settings.OPTIONS = Options(max_page_size=10)  # type: ignore[attr-defined]
    assert Paging.of({}) == Paging(10)
    assert Paging.of({"limit": 99, "marker": "x"}) == Paging(10, "x")
    assert Paging.of({"limit": 0}) == Paging(0)

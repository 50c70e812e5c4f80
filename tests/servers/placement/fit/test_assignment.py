"""Rows with a column each: compared with trying every permutation."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from servers.placement.fit.assignment import assignments, can_match

GRIDS = st.integers(1, 4).flatmap(
    lambda rows: st.integers(rows, 5).flatmap(
        lambda columns: st.lists(
            st.lists(st.booleans(), min_size=columns, max_size=columns),
            min_size=rows,
            max_size=rows,
        )
    )
)


@given(GRIDS)
def test_each_set_of_columns_is_told_once_by_its_first_permutation(grid: list[list[bool]]) -> None:
    ways = (
        way
        for way in itertools.permutations(range(len(grid[0])), len(grid))
        if all(grid[row][column] for row, column in enumerate(way))
    )
    first: dict[frozenset[int], tuple[int, ...]] = {}
    for way in ways:
        first.setdefault(frozenset(way), way)
    found = list(assignments(len(grid), len(grid[0]), lambda row, column: grid[row][column]))
    assert found == list(first.values())


@given(GRIDS)
def test_a_match_is_seen_where_there_is_one(grid: list[list[bool]]) -> None:
    rows, columns = range(len(grid)), range(len(grid[0]))
    there = any(
        all(grid[row][column] for row, column in enumerate(way))
        for way in itertools.permutations(columns, len(grid))
    )
    assert can_match(rows, columns, lambda row, column: grid[row][column]) == there


def test_a_hopeless_row_is_seen_at_once() -> None:
    """The last of 8 rows has no column among 32: nothing is tried for the others."""
    asked = []

    def fits(row: int, column: int) -> bool:
        asked.append((row, column))
        return row != 7

    assert list(assignments(8, 32, fits)) == []
    assert len(asked) < 32 * 32 * 8

"""Ways to give each row a column of its own: pure combinatorics, bounded by the number of sets of
columns where trying every permutation would not be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

Fits = Callable[[int, int], bool]
"""May this row have this column?"""


def assignments(rows: int, columns: int, fits: Fits) -> Iterator[tuple[int, ...]]:
    """The columns of the rows. For each set of columns the first way, as permutations are counted;
    the sets in the order of these ways.
    """
    done: set[frozenset[int]] = set()

    def extend(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        row = len(chosen)
        if row == rows:
            yield chosen
        for column in range(columns if row < rows else 0):
            longer = (*chosen, column)
            # The columns that are left are all that matters for further rows: a set of columns that
            # was told, or led nowhere, does so again in another order.
            if column in chosen or frozenset(longer) in done or not fits(row, column):
                continue
            left = [other for other in range(columns) if other not in longer]
            if can_match(range(row + 1, rows), left, fits):
                yield from extend(longer)
        done.add(frozenset(chosen))

    return extend(())


def can_match(rows: Sequence[int], columns: Collection[int], fits: Fits) -> bool:
    """Is there a column for each of the rows? (augmenting paths)"""
    holders: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for column in columns:
            if column in seen or not fits(row, column):
                continue
            seen.add(column)
            if column not in holders or place(holders[column], seen):
                holders[column] = row
                return True
        return False

    return all(place(row, set()) for row in rows)

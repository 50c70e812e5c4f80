"""The order of the lists of the services, as query strings ask for it. What cannot be is refused.

``sort_key`` and ``sort_dir`` stand for each other in order; some services know ``sort`` as well,
with all in one text: ``sort=name:asc,created_at``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.datastructures import MultiValueDict

from compute_site.db.paging import SortKey
from compute_site.faults import BadRequest

SORT, SORT_KEY, SORT_DIR = "sort", "sort_key", "sort_dir"
DESCENDING = "desc"
DIRECTIONS = {"asc": False, DESCENDING: True}
LONGEST_WORD = 60
"""Characters of a client's word in the text of an error."""

Pair = tuple[str, str]
"""A sort key and a direction, as they were given."""


class UnknownOrder(BadRequest):
    """Nothing is sorted in such an order."""

    code = "unknown_order"


def read_sort(given: MultiValueDict[str, str], *, skips_empty: bool = False) -> list[Pair] | None:
    """The pairs of ``sort``, descending where nothing is said; ``None`` where it is not given.
    ``skips_empty``: between two commas may be nothing.

    Raises:
        UnknownOrder: the other two parameters are given as well.
    """
    if SORT not in given:
        return None
    if SORT_KEY in given or SORT_DIR in given:
        raise UnknownOrder("Give either sort, or sort_key and sort_dir.")
    words = [word.strip() for word in str(given[SORT]).split(",")]
    parts = [word.partition(":") for word in words if word or not skips_empty]
    return [(key, way if colon else DESCENDING) for key, colon, way in parts]


def as_order(pairs: Iterable[Pair], columns: Mapping[str, str], what: str) -> list[SortKey]:
    """The columns to sort by; ``what`` begins the text of an error: ``Images are``.

    Raises:
        UnknownOrder: the list is not sorted by one of the keys, or not in this direction.
    """
    order = []
    for key, way in pairs:
        if key not in columns:
            known = ", ".join(columns)
            raise UnknownOrder(f"{what} sorted by {known}, not by {key[:LONGEST_WORD]}.")
        if way not in DIRECTIONS:
            raise UnknownOrder(f"A list is sorted asc or desc, not {way[:LONGEST_WORD]}.")
        order.append((columns[key], DIRECTIONS[way]))
    return order


def turned(order: Iterable[SortKey]) -> list[SortKey]:
    """The order from the end."""
    return [(column, not descends) for column, descends in order]

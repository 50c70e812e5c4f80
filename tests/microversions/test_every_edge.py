"""Every body of the API: a key is unknown exactly where its history does not know it."""

from __future__ import annotations

import pytest

from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import Microversion
from compute_site.api.openapi import find_operations
from compute_site.faults import InvalidBody
from tests.world.samples import Place, edges, histories, path_of, put, sample

Edge = tuple[type[VersionedSerializer], Place, Microversion]
SIDES: list[Edge] = [
    (body, place, version)
    for body in dict.fromkeys(
        contract.body for _, _, contract in find_operations() if contract.body is not None
    )
    for place, history in histories(body)
    for edge in edges(history)
    for version in edge
    if not version.is_legacy
]


@pytest.mark.parametrize(
    "side", SIDES, ids=lambda side: f"{side[0].__name__}.{path_of(side[1])}@{side[2]}"
)
def test_a_key_is_known_where_its_history_says_so(side: Edge) -> None:
    serializer, place, version = side
    history = dict(histories(serializer))[place]
    form = history.at(version)
    some_form = form or next(form for form in history.forms.values() if form is not None)
    body = put(sample(serializer(), version), place, sample(some_form, version))
    try:
        serializer.read(body, version)
        unknown = []
    except InvalidBody as refused:
        unknown = [fault.field for fault in refused.errors if fault.code == "unknown_key"]
    assert (path_of(place) in unknown) is (form is None)

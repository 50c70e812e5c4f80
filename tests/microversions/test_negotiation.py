"""The choice of the microversion from the two headers."""

from __future__ import annotations

import pytest

from compute_site.api.microversions.negotiation import (
    MalformedVersion,
    UnsupportedVersion,
    choose_version,
)


@pytest.mark.parametrize(
    ("new", "old", "chosen"),
    [
        (None, None, "2.1"),
        ("compute 2.67", None, "2.67"),
        ("compute latest", None, "2.104"),
        (None, "latest", "2.104"),
        (None, " 2.90 ", "2.90"),
        (None, "2.1, 2.90", "2.90"),
        ("Compute 2.9", None, "2.9"),
        ("compute  2.10", None, "2.10"),
        ("compute\t2.10", None, "2.10"),
        ("volume 3.50,\tcompute \t 2.10", None, "2.10"),
        ("compute", "2.90", "2.90"),
        ("volume 3.50, compute 2.90", None, "2.90"),
        ("compute 2.90, volume 3.50", None, "2.90"),
        ("compute x, compute 2.90", None, "2.90"),
        ("compute 2.2", "2.90", "2.2"),
        ("volume 3.0", "2.90", "2.90"),
        ("2.90", None, "2.1"),
        ("compute2.90", None, "2.1"),
        (",", None, "2.1"),
    ],
)
def test_a_version_is_chosen(new: str | None, old: str | None, chosen: str) -> None:
    assert str(choose_version(new, old)) == chosen


@pytest.mark.parametrize(
    "text", ["2", "2.", "2.01", "02.1", "v2.1", "two", "Latest", "-2.1", "2.1.1", "2,1", "2.١", ""]
)
def test_a_malformed_version_is_refused(text: str) -> None:
    with pytest.raises(MalformedVersion):
        choose_version(None, text)


@pytest.mark.parametrize("text", ["2.0", "2.105", "2.999", "3.1", "1.1"])
def test_a_version_out_of_range_is_repeated(text: str) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        choose_version(f"compute {text}", None)
    assert str(caught.value.asked) == text
    assert "2.1" in caught.value.detail
    assert "2.104" in caught.value.detail

"""How many fit, as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quotas.errors import LimitExceeded, OverQuota
from quotas.fit import Scope, Wanted, check_injected_files, check_limit, how_many_fit

RESOURCES = ("instances", "cores", "ram")


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    return Scope(
        limits={name: draw(st.just(-1) | st.integers(0, 60)) for name in RESOURCES},
        usage={name: draw(st.integers(0, 40)) for name in RESOURCES},
    )


@st.composite
def needs(draw: st.DrawFn) -> dict[str, int]:
    return {"instances": 1, "cores": draw(st.integers(0, 9)), "ram": draw(st.integers(0, 9))}


def fits(all_scopes: list[Scope], each: dict[str, int], count: int) -> bool:
    return all(
        amount == 0
        or scope.limits[name] == -1
        or scope.usage[name] + amount * count <= scope.limits[name]
        for scope in all_scopes
        for name, amount in each.items()
    )


@given(st.lists(scopes(), min_size=1, max_size=2), needs(), st.integers(1, 20), st.integers(0, 20))
def test_the_answer_is_the_largest_number_that_fits(
    all_scopes: list[Scope], each: dict[str, int], minimum: int, more: int
) -> None:
    maximum = minimum + more
    possible = [n for n in range(minimum, maximum + 1) if fits(all_scopes, each, n)]
    if possible:
        assert how_many_fit(all_scopes, Wanted(each, minimum, maximum)) == max(possible)
    else:
        with pytest.raises(OverQuota):
            how_many_fit(all_scopes, Wanted(each, minimum, maximum))


@given(scopes(), needs(), st.integers(1, 20), st.integers(0, 20))
def test_a_refusal_names_the_resources_that_the_maximum_exceeds(
    scope: Scope, each: dict[str, int], minimum: int, more: int
) -> None:
    maximum = minimum + more
    assume(not fits([scope], each, minimum))
    with pytest.raises(OverQuota) as refusal:
        how_many_fit([scope], Wanted(each, minimum, maximum))
    named = {excess.resource for excess in refusal.value.excesses}
    assert named == {name for name in each if not fits([scope], {name: each[name]}, maximum)}


def test_the_text_of_a_refusal_lists_names_amounts_use_and_limits_in_one_order() -> None:
    scope = Scope(
        limits={"instances": 3, "cores": 4, "ram": -1},
        usage={"instances": 2, "cores": 3, "ram": 99},
    )
    with pytest.raises(OverQuota) as refusal:
        how_many_fit([scope], Wanted({"instances": 1, "cores": 1, "ram": 512}, 2, 5))
    assert str(refusal.value) == (
        "The quota of instances, cores does not suffice: asked for 2-5, 5, in use 2, 3, "
        "allowed 3, 4."
    )
    assert refusal.value.status == 403


def test_servers_without_limit_do_not_refuse_what_the_other_limits_leave() -> None:
    scope = Scope(limits={"instances": -1, "cores": 4, "ram": -1}, usage={"instances": 7})
    each = {"instances": 1, "cores": 2, "ram": 64}
    assert how_many_fit([scope], Wanted(each, 1, 5)) == 2


def test_the_narrower_of_project_and_user_decides() -> None:
    project = Scope(limits={"instances": 5}, usage={"instances": 1})
    user = Scope(limits={"instances": 2}, usage={"instances": 1})
    assert how_many_fit([project, user], Wanted({"instances": 1}, 1, 9)) == 1


@pytest.mark.parametrize(("limit", "amount"), [(-1, 10_000), (5, 5), (0, 0)])
def test_an_amount_within_its_limit_passes(limit: int, amount: int) -> None:
    check_limit({"metadata_items": limit}, "metadata_items", amount)


def test_an_amount_over_its_limit_is_forbidden() -> None:
    with pytest.raises(LimitExceeded, match=r"metadata_items is 2.*make 3") as refusal:
        check_limit({"metadata_items": 2}, "metadata_items", 3, field="server.metadata")
    assert refusal.value.errors[0].field == "server.metadata"


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ([("/a", "x"), ("/b", "x"), ("/c", "x")], "injected_files"),
        ([("/long-path", "x" * 99)], "injected_file_path_bytes"),
        ([("/a", "x" * 9)], "injected_file_content_bytes"),
    ],
)
def test_files_are_measured_by_number_then_path_then_content(
    files: list[tuple[str, str]], named: str
) -> None:
    limits = {
        "injected_files": 2,
        "injected_file_path_bytes": 4,
        "injected_file_content_bytes": 8,
    }
    with pytest.raises(LimitExceeded, match=named):
        check_injected_files(limits, files)
    check_injected_files(limits, [("/a", "x" * 8), ("/abc", "")])

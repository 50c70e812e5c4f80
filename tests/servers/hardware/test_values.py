"""The readers of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.hardware import values

cpu_sets = st.frozensets(st.integers(min_value=0, max_value=300))


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("3", {3}),
        ("0-3", {0, 1, 2, 3}),
        ("2-2", {2}),
        ("0,2,5-6", {0, 2, 5, 6}),
        ("0-3,^1", {0, 2, 3}),
        ("^1,0-3", {0, 2, 3}),
        ("0-7,^2-5", {0, 1, 6, 7}),
        (" 1 - 2 , ^ 1 ", {2}),
        (",,1,,", {1}),
        ("", set()),
        ("^0", set()),
        ("99999", {99999}),
    ],
)
def test_a_cpu_list_names_numbers_ranges_and_exclusions(text: str, cpus: set[int]) -> None:
    assert values.cpu_list(text) == cpus


@pytest.mark.parametrize(
    "text", ["x", "1-", "-1", "3-1", "1--3", "^", "^x", "1;2", "1 2", "0-1-2", "100000", "0-100000"]
)
def test_an_unreadable_cpu_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no CPU number"):
        values.cpu_list(text)


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("^0", {1, 2, 3}), (" ^0-1", {2, 3}), ("^0,9", {1, 2, 3, 9}), ("1", {1}), ("1,^0", {1})],
)
def test_a_list_that_starts_with_an_exclusion_is_taken_from_all_cpus(
    text: str, cpus: set[int]
) -> None:
    assert values.cpu_list(text, among=frozenset(range(4))) == cpus


@given(cpu_sets)
def test_a_formatted_cpu_list_reads_as_the_same_cpus(cpus: frozenset[int]) -> None:
    assert values.cpu_list(values.format_cpu_list(cpus)) == cpus


@given(cpu_sets, st.frozensets(st.integers(min_value=0, max_value=300), min_size=1))
def test_an_exclusion_takes_cpus_away_wherever_it_stands(
    cpus: frozenset[int], excluded: frozenset[int]
) -> None:
    without = ",".join(f"^{cpu}" for cpu in excluded)
    listed = values.format_cpu_list(cpus)
    assert values.cpu_list(f"{listed},{without}") == cpus - excluded
    assert values.cpu_list(without, among=cpus) == cpus - excluded


@given(st.text(alphabet="0123-^, x", max_size=9))
def test_any_text_is_a_cpu_list_or_a_value_error(text: str) -> None:
    try:
        cpus = values.cpu_list(text)
    except ValueError:
        return
    assert values.cpu_list(values.format_cpu_list(cpus)) == cpus


def test_cpu_lists_are_formatted_in_ranges() -> None:
    assert values.format_cpu_list(frozenset({7, 0, 1, 2, 4})) == "0-2,4,7"
    assert values.format_cpu_list(frozenset()) == ""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("small", "small"),
        ("large", "large"),
        ("any", "any"),
        ("0", 0),
        ("2048", 2048),
        ("2MB", 2048),
        ("2MiB", 2048),
        ("2048KB", 2048),
        ("1GB", 1048576),
        ("1.5GB", 1572864),
        (".5GB", 524288),
        ("4096B", 4),
        ("16Mb", 2048),
        ("16Mbit", 2048),
        ("8192b", 1),
        ("512B", 1),
        ("1025B", 2),
        ("+1MB", 1024),
        ("1QiB", 1024**9),
    ],
)
def test_a_page_size_is_a_word_or_kib(text: str, size: object) -> None:
    assert values.page_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "huge", "LARGE", "2M", "-1", "1,5GB", "2 MB", "2kB", "²", "MB", "9" * 400 + "QB"]
)
def test_an_unreadable_page_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="give small"):
        values.page_size(text)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_page_size_means_the_same_in_every_unit(kib: int) -> None:
    assert values.page_size(str(kib)) == kib
    assert values.page_size(f"{kib}KiB") == kib
    assert values.page_size(f"{kib}MB") == kib * 1024


@pytest.mark.parametrize("value", ["1", "t", "true", "True", " ON ", "y", "Yes", True])
def test_words_for_true_in_any_case(value: object) -> None:
    assert values.flag(value) is True


@pytest.mark.parametrize("value", ["0", "false", "no", "", "maybe", "2", "truely", False])
def test_every_other_text_is_false(value: object) -> None:
    assert values.flag(value) is False


@pytest.mark.parametrize(("value", "count"), [("2", 2), (" 2 ", 2), ("-1", -1), ("+3", 3), (4, 4)])
def test_a_number_may_have_blanks_and_a_sign(value: object, count: int) -> None:
    assert values.number(value) == count


@pytest.mark.parametrize("value", ["", "two", "2.0", "0x2", None, [], "9" * 5000])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="give a whole number"):
        values.number(value)


@pytest.mark.parametrize("value", [" 2", "+2", "02", "2.0", "two"])
def test_a_node_count_is_written_plainly(value: str) -> None:
    with pytest.raises(ValueError, match="give a whole number"):
        values.node_count(value)


@pytest.mark.parametrize(("value", "count"), [("2", 2), ("-1", -1), ("0", 0)])
def test_a_node_count_is_not_judged_by_the_reader(value: str, count: int) -> None:
    assert values.node_count(value) == count


@pytest.mark.parametrize(("value", "read"), [("abc", "abc"), ("", ""), (5, "5"), (1.5, "1.5")])
def test_a_text_may_be_given_as_a_number(value: object, read: str) -> None:
    assert values.text(value) == read


@pytest.mark.parametrize("value", [[], {}, None])
def test_a_text_is_no_structure(value: object) -> None:
    with pytest.raises(ValueError, match="give a text"):
        values.text(value)


def test_a_word_is_one_of_those_allowed() -> None:
    read = values.word("hvm xen", also={"pv": "xen"})
    assert [read("hvm"), read("pv")] == ["hvm", "xen"]
    for other in ("HVM", "PV", "", "hvm xen", ["hvm"]):
        with pytest.raises(ValueError, match="give one of hvm, xen"):
            read(other)


def test_a_word_may_be_written_in_any_case() -> None:
    read = values.word("linux windows", any_case=True)
    assert read("Windows") == "windows"


@pytest.mark.parametrize(
    "bounds",
    [
        ">=2.6",
        ">= 2.6",
        "==1.0",
        "!=1,<3",
        " >1.2 , <=2.0rc1 ",
        "<1.0.dev3",
        ">=1.0+abc",
        "<=1!2-1",
    ],
)
def test_version_bounds_are_kept_as_written(bounds: str) -> None:
    assert values.version_bounds(bounds) == bounds


@pytest.mark.parametrize(
    "bounds", ["", "2.6", ">=", "=2.6", ">=x", ">=1,", ">=1.0foo", "~=2.6", ">=1 2"]
)
def test_unreadable_version_bounds_are_refused(bounds: str) -> None:
    with pytest.raises(ValueError, match="give versions"):
        values.version_bounds(bounds)


@pytest.mark.parametrize(
    "value",
    [
        '[{"virtual": "root", "device": "vda", "no_device": null}]',
        [{"virtual": "root", "device": "vda", "no_device": None}],
    ],
)
def test_a_device_list_may_be_json_text(value: object) -> None:
    assert values.device_list_text(value) == (
        {"virtual": "root", "device": "vda", "no_device": None},
    )


@pytest.mark.parametrize(
    "value", ["", "x", "{}", "5", '["vda"]', '[{"a": []}]', '[{"a": {}}]', {"a": 1}, 5]
)
def test_a_device_list_of_another_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="list of objects"):
        values.device_list_text(value)

"""``/flavors/{id}/os-extra_specs``."""

from __future__ import annotations

import pytest

from flavors.models import Flavor
from tests.world.client import ApiClient
from tests.world.factories import make_flavor

URL = "/flavors/f/os-extra_specs"


@pytest.fixture
def flavor(db: None) -> Flavor:
    return make_flavor(flavorid="f", extra_specs={"hw:numa_nodes": "1", "mine": "x"})


def specs() -> dict[str, str]:
    kept: dict[str, str] = Flavor.objects.get(flavorid="f").extra_specs
    return kept


@pytest.mark.usefixtures("flavor")
def test_a_reader_sees_all_and_one(as_reader: ApiClient) -> None:
    everything = {"hw:numa_nodes": "1", "mine": "x"}
    assert as_reader.get(URL).expect(200).json == {"extra_specs": everything}
    assert as_reader.get(f"{URL}/mine").expect(200).json == {"mine": "x"}
    as_reader.get(f"{URL}/nosuch").expect(404)
    as_reader.get("/flavors/nosuch/os-extra_specs").expect(404)


@pytest.mark.usefixtures("flavor")
@pytest.mark.parametrize("path", [URL, f"{URL}/mine"])
def test_unknown_query_keys_are_refused_from_2_102(as_reader: ApiClient, path: str) -> None:
    as_reader.get(f"{path}?nosuch=1", microversion="2.101").expect(200)
    as_reader.get(f"{path}?nosuch=1", microversion="2.102").expect(400)


@pytest.mark.usefixtures("flavor")
def test_specs_are_added_and_replaced_and_numbers_kept_as_text(as_admin: ApiClient) -> None:
    sent = {"extra_specs": {"mine": 5, "new": "y"}}
    assert as_admin.post(URL, sent).expect(200).json == sent
    assert specs() == {"hw:numa_nodes": "1", "mine": "5", "new": "y"}


@pytest.mark.usefixtures("flavor")
def test_one_spec_is_set_by_its_name(as_admin: ApiClient) -> None:
    assert as_admin.put(f"{URL}/mine", {"mine": 1.5}).expect(200).json == {"mine": 1.5}
    assert as_admin.put(f"{URL}/new", {"new": "y"}).expect(200).json == {"new": "y"}
    assert specs() == {"hw:numa_nodes": "1", "mine": "1.5", "new": "y"}


@pytest.mark.usefixtures("flavor")
def test_a_spec_is_removed_once(as_admin: ApiClient) -> None:
    answer = as_admin.delete(f"{URL}/mine").expect(200)
    assert answer.content == b""
    as_admin.delete(f"{URL}/mine").expect(404)
    assert specs() == {"hw:numa_nodes": "1"}


@pytest.mark.usefixtures("flavor")
@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"extra_specs": None},
        {"extra_specs": {"": "x"}},
        {"extra_specs": {"a/b": "x"}},
        {"extra_specs": {"a\n": "x"}},
        {"extra_specs": {"k" * 256: "x"}},
        {"extra_specs": {"a": "x" * 256}},
        {"extra_specs": {"a": None}},
        {"extra_specs": {"a": True}},
        {"extra_specs": {"a": ["x"]}},
        {"extra_specs": {}, "more": 1},
    ],
)
def test_wrong_bodies_are_refused(as_admin: ApiClient, sent: object) -> None:
    as_admin.post(URL, sent).expect(400)
    assert specs() == {"hw:numa_nodes": "1", "mine": "x"}


@pytest.mark.usefixtures("flavor")
@pytest.mark.parametrize("sent", [{}, {"other": "x"}, {"mine": "x", "more": "y"}, {"mine": None}])
def test_a_spec_is_set_by_a_body_that_holds_it_alone(as_admin: ApiClient, sent: object) -> None:
    as_admin.put(f"{URL}/mine", sent).expect(400)


@pytest.mark.usefixtures("flavor")
@pytest.mark.parametrize(
    "wrong", [{"hw:numa_nodes": "x"}, {"hw:numa_nodes": 0}, {"hw:nosuch": "1"}]
)
def test_known_names_must_have_values_that_they_take_from_2_86(
    as_admin: ApiClient, wrong: dict[str, object]
) -> None:
    (name,) = wrong
    refused = as_admin.post(URL, {"extra_specs": wrong}, microversion="2.86").expect(400)
    assert refused.blamed == [f"extra_specs.{name}"]
    as_admin.put(f"{URL}/{name}", wrong, microversion="2.86").expect(400)
    assert specs() == {"hw:numa_nodes": "1", "mine": "x"}
    as_admin.post(URL, {"extra_specs": wrong}, microversion="2.85").expect(200)
    assert specs()[name] == str(wrong[name])


@pytest.mark.usefixtures("flavor")
@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_changes_specs(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    caller.post(URL, {"extra_specs": {"hw:numa_nodes": "x"}}, microversion="2.86").expect(403)
    caller.put(f"{URL}/mine", {"mine": "y"}).expect(403)
    caller.delete(f"{URL}/mine").expect(403)
    assert specs() == {"hw:numa_nodes": "1", "mine": "x"}

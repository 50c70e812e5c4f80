"""Versioned serializers: histories, unknown keys, all faults at once, query strings."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.fields import Choice, Integer, NonNegative, Refused
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import LooseName, Name, Tag, Text
from compute_site.api.microversions.version import LEGACY, NEWEST, Microversion
from compute_site.faults import InvalidBody


def at(text: str) -> Microversion:
    return Microversion.parse(text)


class Wheel(VersionedSerializer):
    size = Integer(1, required=True)
    tag = History({"2.32": Tag(), "2.33": None, "2.42": Tag()})


class Car(VersionedSerializer):
    name = History({"2.0": LooseName(required=True), "2.1": Name(required=True)})
    colour = Choice("red", "blue", key="OS-CAR:colour", default="red")
    doors = History({"2.10": Integer(), "2.20": Choice("two", "four"), "2.30": None})
    wheels = ListOf(Wheel)

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, Any]:
        if len(values.get("wheels", ())) == 3:
            raise Refused("a car has no three wheels", field="wheels", code="odd")
        return values


class CarCreate(VersionedSerializer):
    car = Car(required=True)


def faults_of(body: Any, version: str = "2.104") -> dict[str, str]:
    with pytest.raises(InvalidBody) as caught:
        CarCreate.read(body, at(version))
    return {fault.field: fault.detail for fault in caught.value.errors}


def test_values_are_named_by_attribute_and_defaults_filled() -> None:
    body = {"car": {"name": "a", "wheels": [{"size": 5}]}}
    assert CarCreate.read(body, NEWEST) == {
        "car": {"name": "a", "colour": "red", "wheels": ({"size": 5},)}
    }
    body = {"car": {"name": "a", "OS-CAR:colour": "blue"}}
    assert CarCreate.read(body, NEWEST)["car"]["colour"] == "blue"


def test_all_faults_are_found_in_one_go() -> None:
    body = {"car": {"OS-CAR:colour": 5, "wheels": [{"size": 0}, {"sise": 1}, 7]}, "bus": {}}
    assert set(faults_of(body)) == {
        "car.name",
        "car.OS-CAR:colour",
        "car.wheels.0.size",
        "car.wheels.1.sise",
        "car.wheels.1.size",
        "car.wheels.2",
        "bus",
    }


@pytest.mark.parametrize(
    ("version", "value", "detail"),
    [
        ("2.9", 2, "needs microversion 2.10 or later; asked for 2.9"),
        ("2.30", "two", "went away after microversion 2.29; asked for 2.30"),
        ("2.104", "two", "went away after microversion 2.29; asked for 2.104"),
        ("2.19", "two", "give a whole number, not a text"),
        ("2.20", 2, "2 is not one of two, four"),
    ],
)
def test_a_key_out_of_its_time_names_the_version(version: str, value: Any, detail: str) -> None:
    assert faults_of({"car": {"name": "a", "doors": value}}, version) == {"car.doors": detail}


def test_a_key_that_comes_and_goes_names_the_next_version() -> None:
    body = {"car": {"name": "a", "wheels": [{"size": 1, "tag": "t"}]}}
    for version, fine in (("2.31", False), ("2.32", True), ("2.33", False), ("2.42", True)):
        if fine:
            assert CarCreate.read(body, at(version))
        else:
            detail = faults_of(body, version)["car.wheels.0.tag"]
            assert detail.startswith("needs microversion ")
            assert detail.endswith(f"asked for {version}")


def test_v2_drops_unknown_keys_and_takes_the_loose_forms() -> None:
    body = {"car": {"name": " a ", "doors": 2, "x": 1, "wheels": [{"size": 1, "x": 1}]}, "y": 2}
    assert CarCreate.read(body, LEGACY) == {
        "car": {"name": " a ", "colour": "red", "wheels": ({"size": 1},)}
    }


def test_a_rule_over_several_keys_names_one() -> None:
    wheels = [{"size": 1}] * 3
    assert faults_of({"car": {"name": "a", "wheels": wheels}}) == {
        "car.wheels": "a car has no three wheels"
    }


@pytest.mark.parametrize("body", [None, [], "text", 5, True])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    assert list(faults_of(body)) == ["body"]


def test_threads_share_what_is_compiled() -> None:
    class Fresh(VersionedSerializer):
        car = Car(required=True)

    found = []
    gate = threading.Barrier(8)

    def compile_it() -> None:
        gate.wait()
        found.append(Fresh.at(NEWEST))

    threads = [threading.Thread(target=compile_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_versions_of_a_history_ascend() -> None:
    with pytest.raises(ValueError, match="ascend"):
        History({"2.10": Text(), "2.9": None})


def test_drf_sees_the_fields_of_the_version_and_the_faults() -> None:
    serializer = CarCreate(data={"car": {}}, context={"version": at("2.10")})
    assert not serializer.is_valid()
    assert serializer.errors == {"car": {"name": ["is required"]}}
    assert "doors" in Car(context={"version": at("2.10")}).fields
    assert "doors" not in Car(context={"version": at("2.30")}).fields


class CarQuery(QuerySerializer):
    unknown = {"2.1": "drop", "2.75": "refuse"}

    limit = NonNegative(repeat="last")
    sort = Choice("name", "size", repeat=True)
    colour = History({"2.10": Text()})


def test_a_query_reads_texts() -> None:
    lists = {"limit": ["1", "5"], "sort": ["name", "size"], "x": ["1"]}
    assert CarQuery.read_query(lists, at("2.74")) == {"limit": 5, "sort": ("name", "size")}


@pytest.mark.parametrize(
    ("version", "lists", "blamed"),
    [
        ("2.75", {"x": ["1"]}, "x"),
        ("2.10", {"colour": ["a", "b"]}, "colour"),
        ("2.10", {"limit": ["x", "5"]}, "limit"),
        ("2.10", {"sort": ["age"]}, "sort"),
    ],
)
def test_a_query_is_refused(version: str, lists: dict[str, list[str]], blamed: str) -> None:
    with pytest.raises(InvalidBody) as caught:
        CarQuery.read_query(lists, at(version))
    assert [fault.field for fault in caught.value.errors] == [blamed]


def test_a_query_drops_what_is_not_known_yet() -> None:
    assert CarQuery.read_query({"colour": ["a"]}, at("2.9")) == {}

"""Answers: keys in order, by version and by right."""

from __future__ import annotations

import types
from typing import Any

import pytest

from compute_site.api.links import Links
from compute_site.api.microversions.answers import (
    ABSENT,
    INTEGER,
    LINKS,
    TEXT,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.history import History
from compute_site.api.microversions.version import Microversion
from compute_site.caller import Caller


class WheelAnswer(AnswerSerializer):
    size = Shown(INTEGER)


class CarAnswer(AnswerSerializer):
    id = Shown(TEXT, "pk")
    colour = Shown(TEXT, key="OS-CAR:colour")
    owner = Shown(TEXT, "driver.name", rule="cars:owner")
    doors = History({"2.10": Shown(INTEGER), "2.20": Shown(TEXT, lambda car, _: str(car.doors))})
    horn = History({"2.1": Shown(TEXT), "2.5": None})
    wheels = Shown([WheelAnswer])
    spare = Shown(WheelAnswer)
    dent = Shown(TEXT, lambda car, frame: frame.extra.get(car.pk, ABSENT), optional=True)
    links = Shown(LINKS, lambda car, frame: frame.links.both("cars", car.pk))


def make_car(**changes: Any) -> types.SimpleNamespace:
    wheel = types.SimpleNamespace(size=5)
    car = {
        "pk": "c1",
        "colour": "red",
        "driver": types.SimpleNamespace(name="ann"),
        "doors": 4,
        "horn": "loud",
        "wheels": [wheel, wheel],
        "spare": None,
    }
    return types.SimpleNamespace(**car | changes)


def frame_at(version: str, *rules: str, **extra: Any) -> Frame:
    caller = Caller(
        user_id="u",
        user_name="u",
        project_id="p",
        project_name="p",
        roles=frozenset(),
        rules=frozenset(rules),
    )
    links = Links("http://x/compute/v2.1", "http://x/compute")
    return Frame(Microversion.parse(version), caller, links, extra)


def test_keys_stand_in_the_order_of_the_class() -> None:
    shown = CarAnswer.show(make_car(), frame_at("2.1", "cars:owner"))
    assert list(shown) == ["id", "OS-CAR:colour", "owner", "horn", "wheels", "spare", "links"]
    assert shown["owner"] == "ann"
    assert shown["wheels"] == [{"size": 5}, {"size": 5}]
    assert shown["spare"] is None
    assert [link["rel"] for link in shown["links"]] == ["self", "bookmark"]


@pytest.mark.parametrize(
    ("version", "doors", "horn"),
    [("2.4", None, True), ("2.5", None, False), ("2.10", 4, False), ("2.20", "4", False)],
)
def test_a_key_follows_its_history(version: str, doors: Any, horn: bool) -> None:
    shown = CarAnswer.show(make_car(), frame_at(version))
    assert shown.get("doors") == doors
    assert ("horn" in shown) is horn


def test_a_key_with_a_rule_is_for_who_holds_it() -> None:
    assert "owner" not in CarAnswer.show(make_car(), frame_at("2.1"))
    assert "owner" in CarAnswer.show(make_car(), frame_at("2.1", "cars:owner"))


def test_an_optional_key_is_absent_without_value() -> None:
    cars = [make_car(pk="c1"), make_car(pk="c2")]
    shown = CarAnswer.show_all(cars, frame_at("2.1", c2="deep"))
    assert ["dent" in car for car in shown] == [False, True]


def test_the_schema_tells_the_same_keys() -> None:
    schema = CarAnswer.schema(Microversion.parse("2.10"))
    assert list(schema["properties"]) == [
        "id",
        "OS-CAR:colour",
        "owner",
        "doors",
        "wheels",
        "spare",
        "dent",
        "links",
    ]
    assert "owner" not in schema["required"]
    assert "dent" not in schema["required"]

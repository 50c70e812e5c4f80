"""The serializers as Django REST framework has them: ``is_valid``, ``errors``, ``data``, hooks."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import RegexValidator
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import BrowsableAPIRenderer, HTMLFormRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from compute_site.api.microversions.containers import Either, ListOf, MapOf
from compute_site.api.microversions.errors import faults_of
from compute_site.api.microversions.fields import Boolean, Integer, NonNegative, Refused
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Name, Text, Uuid
from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.api.openapi import find_operations
from compute_site.api.view import render_fault
from compute_site.faults import FieldFault, InvalidBody
from servers.serializers.server_create import ServerCreate
from tests.world.samples import A_UUID, sample

CONTRACTS = [contract for _, _, contract in find_operations()]
BODIES = list(dict.fromkeys(c.body for c in CONTRACTS if c.body is not None))
QUERIES = list(dict.fromkeys(c.query for c in CONTRACTS if c.query is not None))
VERSIONS = [OLDEST, Microversion(2, 52), NEWEST]
IN_ALL_VERSIONS = pytest.mark.parametrize("version", VERSIONS, ids=str)
every_body = pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)
every_query = pytest.mark.parametrize("kind", QUERIES, ids=lambda kind: kind.__name__)


def spoil(value: Any) -> Any:
    """The same body with every value of another type, and with a key that nothing knows."""
    if isinstance(value, dict):
        return {**{key: spoil(inner) for key, inner in value.items()}, "no.such key": 1}
    if isinstance(value, list) and value:
        return [spoil(value[0]), *value]
    return {"no": {}}


def with_each_key(serializer: VersionedSerializer, version: Microversion) -> list[Any]:
    """The least body, and one with each key, also of the objects that must be there."""
    least = sample(serializer, version)
    fields = type(serializer).at(version).fields
    bodies = [least]
    for name, field in fields.items():
        nested = field.required and isinstance(field, VersionedSerializer)
        values = with_each_key(field, version) if nested else [sample(field, version)]
        bodies += [{**least, field.key or name: value} for value in values]
    return bodies


def samples(kind: type[VersionedSerializer], version: Microversion) -> list[Any]:
    """Good bodies, and wrong ones of many kinds."""
    good = with_each_key(kind(), version)
    return [*good, *map(spoil, good), {}, [], None, "text", 5]


def read(
    kind: type[VersionedSerializer], body: Any, version: Microversion
) -> tuple[Any, list[Any]]:
    """What ``read`` gives, and its faults."""
    try:
        return kind.read(body, version), []
    except InvalidBody as refused:
        return None, list(refused.errors)


def in_order(faults: list[FieldFault]) -> list[tuple[str, str, str]]:
    return sorted((fault.field, fault.code, fault.detail) for fault in faults)


@IN_ALL_VERSIONS
@every_body
def test_is_valid_says_what_read_says(
    kind: type[VersionedSerializer], version: Microversion
) -> None:
    outcomes = set()
    for body in samples(kind, version):
        value, faults = read(kind, body, version)
        serializer = kind(data=body, context={"version": version})
        assert serializer.is_valid() is (not faults)
        told = faults_of(ValidationError(serializer.errors), "") if faults else []
        assert in_order(told) == in_order(faults)
        assert serializer.validated_data == ({} if faults else value)
        assert isinstance(serializer.data, dict)
        outcomes.add(not faults)
    assert outcomes == {True, False}


@IN_ALL_VERSIONS
@every_query
def test_a_query_is_valid_where_read_query_takes_it(
    kind: type[QuerySerializer], version: Microversion
) -> None:
    for name, field in kind.at(version).fields.items():
        for texts in (["1"], ["\x00-"], ["1", "2"]):
            lists = {field.key or name: texts}
            try:
                value, faults = kind.read_query(lists, version), []
            except InvalidBody as refused:
                value, faults = {}, list(refused.errors)
            query = QueryDict(mutable=True)
            query.setlist(field.key or name, texts)
            serializer = kind(data=query, context={"version": version})
            assert serializer.is_valid() is (not faults)
            told = faults_of(ValidationError(serializer.errors), "") if faults else []
            assert in_order(told) == in_order(faults)
            assert serializer.validated_data == value


@pytest.mark.parametrize("kind", BODIES + QUERIES, ids=lambda kind: kind.__name__)
def test_a_serializer_shows_itself_and_its_form(kind: type[VersionedSerializer]) -> None:
    unbound = kind()
    keys = {field.key or name for name, field in kind.at(NEWEST).fields.items()}
    assert set(unbound.data) == keys
    assert [field.name for field in unbound] == list(unbound.fields)
    assert kind.__name__ in repr(unbound)
    refused = kind(data={"no such key": 1})
    refused.is_valid()
    for serializer in (unbound, refused):
        form = HTMLFormRenderer().render(serializer.data, "text/html", {})
        assert all(f'name="{name}' in form for name in unbound.fields)


def test_the_newest_microversion_is_the_default_and_a_text_will_do() -> None:
    assert "block_device_mapping_v2" in ServerCreate().data["server"]
    body = {"server": {"name": "a", "flavorRef": "1", "hostname": "a"}}
    assert set(refused_by(ServerCreate(data=body))["server"]) == {"networks"}
    old = ServerCreate(data=body, context={"version": "2.89"})
    assert old_errors(old) == {
        "hostname": ["needs microversion 2.90 or later; asked for 2.89"],
        "networks": ["is required"],
    }


def old_errors(serializer: ServerCreate) -> Any:
    return refused_by(serializer)["server"]


def refused_by(serializer: serializers.BaseSerializer[Any]) -> Any:
    assert not serializer.is_valid()
    return serializer.errors


def test_errors_nest_by_the_keys_of_the_body_and_hold_codes() -> None:
    networks = [{"uuid": A_UUID}, {"uuid": 5}, 7]
    server = {"flavorRef": [], "networks": networks, "metadata": {"a.b": 5, "/": "x"}}
    errors = refused_by(ServerCreate(data={"server": server, "hint": 1}))
    assert errors["hint"] == [ErrorDetail("there is no such key", "unknown_key")]
    assert errors["server"]["name"] == [ErrorDetail("is required", "required")]
    assert errors["server"]["flavorRef"][0].code == "wrong_type"
    assert errors["server"]["networks"] == {
        1: {"uuid": [ErrorDetail("give a UUID, not a number", "wrong_type")]},
        2: {"non_field_errors": [ErrorDetail("give an object, not a number", "wrong_type")]},
    }
    metadata = errors["server"]["metadata"]
    assert metadata["a.b"] == [ErrorDetail("give a text, not a number", "wrong_type")]
    assert metadata["non_field_errors"][0].code == "pattern"
    assert refused_by(ServerCreate(data=[])) == {
        "non_field_errors": [ErrorDetail("give an object, not a list", "wrong_type")]
    }


class Wheel(VersionedSerializer):
    size = Integer(1, key="Size", required=True)

    def validate_size(self, size: int) -> int:
        if size == 13:
            raise serializers.ValidationError("nobody sells it", code="unlucky")
        return size * 10


def not_grey(colour: str) -> None:
    if colour == "grey":
        raise serializers.ValidationError("grey is dull", code="dull")


class ByContext:
    requires_context = True

    def __call__(self, value: str, field: Any) -> None:
        if value == field.context.get("taken"):
            raise serializers.ValidationError("is taken", code="taken")


def not_both(values: dict[str, Any]) -> None:
    if values.get("fast") and values.get("cheap"):
        raise DjangoValidationError("fast or cheap, not both", code="both")


class Car(VersionedSerializer):
    name = History({"2.1": Name(required=True, validators=[ByContext()])})
    colour = Text(validators=[not_grey, RegexValidator(r"^\w+$", code="words")], default="red")
    plates = ListOf(Text(validators=[not_grey]), validators=[lambda plates: not_grey(plates[0])])
    notes = MapOf(Text(validators=[not_grey]), keys=".*", means="is odd")
    motor = Either(Text(validators=[not_grey]), Integer(), null=True)
    wheels = ListOf(Wheel)
    spare = Wheel(null=True)
    fast = Boolean(key="isFast")
    cheap = Boolean()
    token = Text(default=lambda: "made")

    class Meta:
        validators = [not_both]

    def validate_name(self, name: str) -> str:
        self.seen = name
        return name.upper()

    def validate_fast(self, fast: bool) -> bool:
        if fast and "slow" in self.context:
            raise Refused("nothing is fast here", code="slow")
        return fast

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if self.seen == "old" and values.get("fast"):
            raise serializers.ValidationError({"fast": "an old car is not fast"}, code="age")
        return {**values, "checked": True}


class CarCreate(VersionedSerializer):
    car = Car(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> tuple[Any, Microversion]:
        return values["car"], version


def in_both_ways(body: Any, **context: Any) -> dict[str, str]:
    """Codes by path, which ``read`` and ``is_valid`` must agree on."""
    with pytest.raises(InvalidBody) as caught:
        CarCreate.read(body, NEWEST, context)
    serializer = CarCreate(data=body, context=context)
    told = faults_of(ValidationError(refused_by(serializer)), "")
    assert in_order(told) == in_order(list(caught.value.errors))
    return {fault.field: fault.code for fault in caught.value.errors}


def test_hooks_and_validators_change_what_is_read() -> None:
    body = {"car": {"name": "a", "wheels": [{"Size": 5}], "spare": None, "motor": None}}
    expected = {
        "name": "A",
        "wheels": ({"size": 50},),
        "spare": None,
        "motor": None,
        "colour": "red",
        "token": "made",
        "checked": True,
    }
    assert CarCreate.read(body, NEWEST) == (expected, NEWEST)
    serializer = CarCreate(data=body)
    assert serializer.is_valid(raise_exception=True)
    assert serializer.validated_data == (expected, NEWEST)
    assert serializer.data == body


@pytest.mark.parametrize(
    ("car", "faults"),
    [
        (
            {"wheels": [{"Size": 13}, {"Size": 0}]},
            {"wheels.0.Size": "unlucky"} | {"wheels.1.Size": "too_small"},
        ),
        ({"spare": {"Size": 13}}, {"spare.Size": "unlucky"}),
        ({"colour": "grey"}, {"colour": "dull"}),
        ({"colour": "- -"}, {"colour": "words"}),
        ({"plates": ["grey", "x"]}, {"plates.0": "dull"}),
        ({"plates": ["x", "grey"]}, {"plates.1": "dull"}),
        ({"notes": {"a": "grey"}}, {"notes.a": "dull"}),
        ({"motor": "grey"}, {"motor": "dull"}),
        ({"isFast": True, "cheap": True}, {"car": "both"}),
        ({"name": "old", "isFast": True}, {"isFast": "age"}),
        ({"name": "b"}, {"name": "taken"}),
    ],
)
def test_hooks_and_validators_refuse_in_both_ways(
    car: dict[str, Any], faults: dict[str, str]
) -> None:
    expected = {path if path == "car" else f"car.{path}": code for path, code in faults.items()}
    assert in_both_ways({"car": {"name": "a", **car}}, taken="b") == expected


def test_hooks_of_good_fields_run_beside_the_faults_of_others() -> None:
    body = {"car": {"isFast": True, "cheap": 5}}
    assert in_both_ways(body, slow=True) == {
        "car.name": "required",
        "car.cheap": "wrong_type",
        "car.isFast": "slow",
    }


def test_what_a_hook_keeps_on_self_is_not_shared_between_bodies() -> None:
    CarCreate.read({"car": {"name": "old"}}, NEWEST)
    assert not hasattr(CarCreate.at(NEWEST).fields["car"], "seen")


class PageOfCars(QuerySerializer):
    limit = NonNegative(repeat="last", validators=[lambda limit: not_grey("grey" * (limit > 9))])
    sort = Text(repeat=True)

    def validate_sort(self, sort: tuple[str, ...]) -> tuple[str, ...]:
        if len(sort) > 2:
            raise serializers.ValidationError("at most two", code="many")
        return sort[::-1]


def test_queries_honour_hooks_and_validators() -> None:
    assert PageOfCars.read_query({"sort": ["a", "b"]}, NEWEST) == {"sort": ("b", "a")}
    serializer = PageOfCars(data={"sort": ["a", "b"], "limit": 5})
    assert serializer.is_valid()
    assert serializer.validated_data == {"sort": ("b", "a"), "limit": 5}
    with pytest.raises(InvalidBody) as caught:
        PageOfCars.read_query({"sort": ["a", "b", "c"], "limit": ["12"]}, NEWEST)
    assert [(fault.field, fault.code) for fault in caught.value.errors] == [
        ("limit", "dull"),
        ("sort", "many"),
    ]


def test_fields_of_an_instance_can_be_changed() -> None:
    class Strict(Car):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.fields["colour"].required = True
            self.fields.pop("cheap")

    assert refused_by(Strict(data={"name": "a", "cheap": True})).keys() == {"colour", "cheap"}
    with pytest.raises(InvalidBody, match="cheap"):
        Strict.read({"name": "a", "cheap": True}, NEWEST)
    assert Car(data={"name": "a", "cheap": True}).is_valid()


def test_partial_and_many_work() -> None:
    partial = Car(data={"colour": "blue"}, partial=True)
    partial.seen = ""
    assert partial.is_valid()
    assert partial.validated_data == {"colour": "blue", "checked": True}
    many = Wheel(data=[{"Size": 5}, {"Size": 13}, {}], many=True)
    assert refused_by(many)[1] == {"Size": [ErrorDetail("nobody sells it", "unlucky")]}
    assert Wheel(data=[{"Size": 5}], many=True).is_valid()


def test_a_field_validates_alone() -> None:
    assert ListOf(Uuid).run_validation([A_UUID]) == (A_UUID,)
    with pytest.raises(ValidationError) as caught:
        ListOf(Integer()).run_validation([1, "x"])
    assert caught.value.detail == {
        1: [ErrorDetail("give a whole number, not a text", "wrong_type")]
    }
    with pytest.raises(ValidationError) as caught:
        Name().run_validation("")
    assert caught.value.get_codes() == ["too_short"]


def test_an_instance_is_shown_by_the_keys_of_the_wire() -> None:
    car = {"name": "a", "fast": True, "wheels": [{"size": 5}]}
    assert Car(car).data == {
        "name": "a",
        "colour": "red",
        "motor": None,
        "wheels": [{"Size": 5}],
        "spare": None,
        "isFast": True,
        "token": "made",
    }


def test_an_error_that_a_view_raises_by_is_valid_is_told_as_read_tells_it() -> None:
    body = {"server": {"networks": [{"uuid": 1}]}}
    with pytest.raises(ValidationError) as caught:
        ServerCreate(data=body).is_valid(raise_exception=True)
    with pytest.raises(InvalidBody) as refused:
        ServerCreate.read(body, NEWEST)
    answer = render_fault(caught.value, {})
    assert answer.status_code == 400
    told = answer.data["badRequest"]["errors"]
    key = str
    assert sorted(told, key=key) == sorted(
        refused.value.envelope()["badRequest"]["errors"], key=key
    )


class PlainView(GenericAPIView[Any]):
    """A view as DRF has them, with its own pages."""

    authentication_classes = ()
    versioning_class = None
    renderer_classes = (JSONRenderer, BrowsableAPIRenderer)
    serializer_class = ServerCreate

    def get(self, _request: Request) -> Response:
        return Response({})

    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response({"name": serializer.validated_data.name})


def test_a_view_of_drf_shows_the_form_and_takes_the_body() -> None:
    view, make = PlainView.as_view(), APIRequestFactory()
    page = view(make.get("/", HTTP_ACCEPT="text/html")).render().content.decode()
    assert "flavorRef" in page
    good = {"server": {"name": "my-own", "flavorRef": "1", "networks": "none"}}
    page = (
        view(make.post("/", good, format="json", HTTP_ACCEPT="text/html")).render().content.decode()
    )
    assert "my-own" in page
    answer = view(make.post("/", {"server": {}}, format="json"))
    assert answer.status_code == 400
    assert answer.data["badRequest"]["errors"][0]["field"].startswith("server.")


def test_code_that_would_not_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match=r"build\(\)"):
        type("Odd", (VersionedSerializer,), {"to_internal_value": lambda _, data: data})

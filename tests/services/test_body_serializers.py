"""The serializers of the services' bodies are serializers of Django REST framework, and give what
a view reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from rest_framework import serializers

from compute_site.faults import BadRequest
from compute_site.identity.credentials import CredentialOrder
from compute_site.identity.errors import MalformedRequest
from compute_site.neighbours.identity.api import serializers as identity
from compute_site.neighbours.image.api import serializers as image
from compute_site.neighbours.network.api import serializers as network
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume.api import serializers as volume
from compute_site.values.keys import Key, flag, line, whole

VALUES = (
    *(None, True, 0, 1, -1, 2**40, 1.5, "", "a", "x" * 300, "\0", [], ["a"], [{}], {}, {"a": "b"}),
    *("10.0.0.1", "10.0.0.0/24", "11111111-1111-1111-1111-111111111111", "raw", "public", "tcp"),
)
KINDS = {
    f"{module.__name__.split('.')[2]}-{name}": kind
    for module in (image, network, volume)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, BodySerializer) and kind is not BodySerializer
}


def bodies(kind: type[BodySerializer]) -> list[dict[str, Any]]:
    """Each key with each value, the older names of keys, keys that are not known, and all at once
    with the same value.
    """
    older = [key.other_name for key in kind.shape.values() if key.other_name]
    names = [*kind.shape, *older, "unknown", "y" * 90]
    single = [{name: value} for name in names for value in VALUES]
    return [{}, *single, *(dict.fromkeys(names, value) for value in VALUES)]


def told(errors: Mapping[str, list[str]]) -> str:
    return "; ".join(f"key {name[:60]}: {text}" for name, texts in errors.items() for text in texts)


@pytest.mark.parametrize("name", KINDS)
def test_is_valid_gives_what_a_view_reads(name: str) -> None:
    kind = KINDS[name]
    for body in bodies(kind):
        serializer = kind(data=body)
        if serializer.is_valid():
            assert kind.read(body).values == serializer.validated_data
        else:
            with pytest.raises(BadRequest) as refused:
                kind.read(body)
            assert refused.value.detail == told(serializer.errors), body


class Plain(BodySerializer):
    shape = {
        "name": Key(line, required=True, other_name="display_name"),
        "size": Key(whole, default=1),
        "open": Key(flag, never_null=True),
    }


class WithRules(Plain):
    note = serializers.CharField(required=False, max_length=3)

    def validate_size(self, size: int) -> int:
        if size % 2:
            raise serializers.ValidationError("give an even number", code="odd")
        return size // 2

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["name"] == self.context.get("forbidden"):
            raise serializers.ValidationError("the name is forbidden")
        return attrs | {"checked": True}


def test_errors_have_codes_and_the_keys_of_the_body() -> None:
    serializer = Plain(data={"size": -1, "open": None, "colour": "red"})
    assert not serializer.is_valid()
    codes = {name: [text.code for text in texts] for name, texts in serializer.errors.items()}
    assert codes == {
        "name": ["required"],
        "size": ["invalid"],
        "open": ["null"],
        "colour": ["unknown_key"],
    }


def test_validate_of_a_field_and_of_the_whole_are_called() -> None:
    asked = WithRules.read({"display_name": "a", "size": 4, "note": "abc"})
    assert asked.values == {
        "name": "a",
        "size": 2,
        "open": None,
        "note": "abc",
        "checked": True,
    }
    assert asked.given == {"display_name", "size", "note"}
    with pytest.raises(BadRequest, match=r"^key size: give an even number; key note: .*3"):
        WithRules.read({"name": "a", "size": 3, "note": "abcd"})
    with pytest.raises(BadRequest, match=r"^the name is forbidden$"):
        WithRules.read({"name": "no", "size": 2}, context={"forbidden": "no"})


def test_data_of_a_checked_body_can_be_shown() -> None:
    serializer = WithRules(data={"name": "a", "size": 4})
    serializer.is_valid(raise_exception=True)
    assert serializer.data == {"name": "a", "size": 2, "open": None}
    partial = Plain(data={"size": 7}, partial=True)
    partial.is_valid(raise_exception=True)
    assert partial.validated_data == {"size": 7}


def test_bodies_of_the_identity_api_are_read_by_the_same_rules() -> None:
    wrong = identity.UserBody(data={"enabled": "yes", "colour": {"a": 1}})
    assert not wrong.is_valid()
    assert wrong.errors == {"name": ["give one."], "enabled": ["give true or false."]}
    with pytest.raises(MalformedRequest, match=r"^user\.enabled: give true or false\.$"):
        identity.UserBody.read_body({"user": wrong.initial_data})
    changed = identity.UserBody(data={"colour": {"a": 1}}, partial=True)
    assert changed.is_valid()
    assert changed.validated_data == {"extra": {"colour": {"a": 1}}}


def test_an_application_credential_without_more_is_what_its_order_has_by_default() -> None:
    body = {"application_credential": {"name": "robot", "project_id": "x", "access_rules": None}}
    order = CredentialOrder(**identity.CredentialCreate.read_body(body))
    assert order == CredentialOrder(name="robot", secret="")

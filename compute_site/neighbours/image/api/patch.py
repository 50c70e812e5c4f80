"""The two forms of a PATCH of images; the content type says which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from compute_site.faults import BadRequest, UnsupportedMediaType
from compute_site.neighbours.image.local.steps import KINDS, REMOVE, Step
from compute_site.neighbours.serializers import CheckedField, first_text
from compute_site.values.keys import WrongValue, anything, shown

V21 = "application/openstack-images-v2.1-json-patch"
V20 = "application/openstack-images-v2.0-json-patch"
NO_OPERATION = f"An operation is one of {', '.join(KINDS)}, and has a path."


def read_patch(content_type: str, body: Any) -> list[Step]:
    """The steps of a body.

    Raises:
        UnsupportedMediaType: the content type is that of no form.
        BadRequest: the body does not have the form.
    """
    form = FORMS.get(content_type.partition(";")[0].strip().lower())
    if form is None:
        raise UnsupportedMediaType(f"Send a patch as {V21} or {V20}.")
    patch = form(data={} if body is None else body, many=True)
    if not patch.is_valid():
        raise BadRequest(first_text(patch.errors))
    return [Step(**values) for values in patch.validated_data]


def _read_kind(value: Any) -> str:
    if value not in KINDS:
        raise WrongValue(NO_OPERATION)
    return str(value)


def _read_path(value: Any) -> str:
    """The key of the image that a path names."""
    if not isinstance(value, str):
        raise WrongValue(NO_OPERATION)
    if not value.startswith("/") or "/" in value[1:] or len(value) < 2:
        raise WrongValue(f"The path {shown(value)} names no key of an image, such as /name.")
    return value[1:].replace("~1", "/").replace("~0", "~")


class OperationList(serializers.ListSerializer):  # type: ignore[type-arg] # generic in the stubs only
    default_error_messages: ClassVar = {"not_a_list": "Send a list of operations."}


class Operation(serializers.Serializer):  # type: ignore[type-arg] # generic in the stubs only
    """``{"op": "replace", "path": "/name", "value": "new"}``"""

    default_error_messages: ClassVar = dict.fromkeys(
        ("invalid", "null"), "Each operation of a patch is an object."
    )

    op = CheckedField(_read_kind, source="kind", error_messages={"required": NO_OPERATION})
    path = CheckedField(_read_path, source="key", error_messages={"required": NO_OPERATION})
    value = CheckedField(anything, required=False)

    class Meta:
        list_serializer_class = OperationList

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] != REMOVE and "value" not in attrs:
            raise ValidationError(f"The operation {attrs['kind']} needs a value.")
        return attrs


class OlderOperation(Operation):
    """``{"replace": "/name", "value": "new"}``"""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            kinds = [kind for kind in KINDS if kind in data]
            if len(kinds) != 1:
                raise ValidationError(
                    f"An operation has exactly one of the members {', '.join(KINDS)}."
                )
            data = {**data, "op": kinds[0], "path": data[kinds[0]]}
        return super().to_internal_value(data)


FORMS: Mapping[str, type[Operation]] = {V21: Operation, V20: OlderOperation}

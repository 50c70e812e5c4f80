"""The serializers of the bodies that the services beside compute take.

They are serializers of Django REST framework whose fields come from a shape, the table of keys
that cloud files are read by as well::

    class NewVolume(BodySerializer):
        shape = shapes.NEW_VOLUME

        def validate_size(self, size): ...      # and validate(), as in any serializer

    serializer = NewVolume(data=body["volume"])
    serializer.is_valid(raise_exception=True)
    serializer.validated_data["size"]

* A field is named as its key on the wire. What stands in the class as a field of DRF's own is one
  more key, or takes the place of that of the shape.
* Values are checked strictly by the functions of the shape; nothing is coerced that the service
  itself does not coerce.
* Null is what leaving the key out is, unless the shape says ``never_null``.
* Unknown keys are errors, or are gathered under ``rest``.

A view reads by ``self.read("volume", NewVolume)``, which answers 400 with all that is wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty
from rest_framework.settings import api_settings

from compute_site.faults import BadRequest
from compute_site.values.keys import Key, Reader, WrongValue, read_keys

LONGEST_NAME = 60
"""Characters of the name of an unknown key in the text of an error."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A checked body: a value for each key, and the keys that the request had."""

    values: Mapping[str, Any]
    given: frozenset[str]


def check_alone(body: Mapping[str, Any], noun: str) -> None:
    """Raises: BadRequest: the body has keys beside the one, which nobody would read."""
    others = sorted(body.keys() - {noun})
    if others:
        name = others[0][:LONGEST_NAME]
        raise BadRequest(f"key {name}: is not known", field=name)


class CheckedField(serializers.Field):  # type: ignore[type-arg] # generic in the stubs only
    """A field whose values, null as well, a function checks and converts; see ``Reader``."""

    default_error_messages = {"required": "is required", "null": "cannot be null"}

    def __init__(self, check: Reader, **options: Any) -> None:
        super().__init__(**options)
        self.check = check

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (False, data) if data is None else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self.check(data)
        except WrongValue as error:
            raise ValidationError(str(error)) from None

    def to_representation(self, value: Any) -> Any:
        return value


class KeyField(CheckedField):
    """One key of a shape."""

    def __init__(self, key: Key, **options: Any) -> None:
        if key.required:
            options.setdefault("required", True)
        else:
            options.setdefault("default", key.default)
        super().__init__(key.read, allow_null=not key.never_null, **options)
        self.key = key

    def get_value(self, dictionary: Mapping[str, Any]) -> Any:
        """The value, or that under the older name."""
        value = dictionary.get(str(self.field_name), empty)
        older = dictionary.get(self.key.other_name) if self.key.other_name is not None else None
        return older if older is not None and (value is empty or value is None) else value

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        if data is None and self.key.never_null and not self.key.required:
            self.fail("null")
        return serializers.Field.validate_empty_values(self, empty if data is None else data)


class BodySerializer(serializers.Serializer):  # type: ignore[type-arg] # generic in the stubs only
    """An object of a body; see the module's description."""

    shape: ClassVar[Mapping[str, Key]] = {}
    rest: ClassVar[str | None] = None
    _is_plain: ClassVar[bool]
    """Is all in the shape? Then the same is read without making fields for each body."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._is_plain = (
            not cls._declared_fields
            and cls.validate is serializers.Serializer.validate
            and cls.to_internal_value is BodySerializer.to_internal_value
            and not hasattr(cls, "Meta")
            and not any(hasattr(cls, f"validate_{name}") for name in cls.shape)
        )

    def get_fields(self) -> dict[str, Any]:
        return {name: KeyField(key) for name, key in self.shape.items()} | super().get_fields()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        errors: dict[Any, Any] = {}
        values: dict[str, Any] = {}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(data, Mapping):
                raise
            errors.update(error.detail)  # type: ignore[arg-type] # of an object, it is one
        known, older = self.fields, {key.other_name for key in self.shape.values()}
        left = {name: data[name] for name in data if name not in known and name not in older}
        if self.rest is not None:
            values[self.rest] = left
        else:
            told = f"is not known; known are {', '.join(known)}"
            errors |= {name: [ErrorDetail(told, "unknown_key")] for name in left}
        if errors:
            raise ValidationError(errors)
        return values

    @classmethod
    def read(
        cls,
        given: Mapping[str, Any],
        *,
        field: str | None = None,
        where: str = "",
        context: Mapping[str, Any] | None = None,
    ) -> Asked:
        """Check an object of a body. ``field`` is blamed for what is wrong, ``where`` begins the
        text.

        Raises:
            BadRequest: something is wrong; the text tells all of it.
        """
        if cls._is_plain:
            values, problems = read_keys(given, cls.shape, cls.rest)
        else:
            values, problems = _run(cls(context=dict(context or {})), given)
        if problems:
            raise BadRequest(where + "; ".join(problems), field=field)
        return Asked(values, frozenset(given))


class ItemsSerializer(BodySerializer):
    """An object whose keys the client chooses."""

    def read_items(self, data: Any) -> dict[str, Any]:
        """All of it, checked; raises ``WrongValue``."""
        raise NotImplementedError

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            return self.read_items(data)
        except WrongValue as error:
            raise ValidationError(str(error)) from None


def of_shape(shape: Mapping[str, Key], **members: Any) -> type[BodySerializer]:
    """A serializer that has only these keys; for tables of small bodies. ``members`` are what the
    views of a service look for beside them.
    """
    return type("ShapedBody", (BodySerializer,), {"shape": shape, **members})


def _run(
    serializer: BodySerializer, given: Mapping[str, Any]
) -> tuple[dict[str, Any], Sequence[str]]:
    """As ``read_keys``: the values, and all that is wrong."""
    try:
        return serializer.run_validation(given), ()
    except ValidationError as error:
        return {}, tuple(_texts(error.detail))


def first_text(errors: Any) -> str:
    """What a serializer found wrong first, without the name of its field."""
    parts = errors.values() if isinstance(errors, Mapping) else errors
    return next(
        part if isinstance(part, str) else first_text(part) for part in parts if len(part) > 0
    )


def _texts(detail: Any) -> Iterator[str]:
    if not isinstance(detail, Mapping):
        yield from map(str, detail)
        return
    for name, told in detail.items():
        where = "" if name == api_settings.NON_FIELD_ERRORS_KEY else f"key {name[:LONGEST_NAME]}: "
        yield from (f"{where}{text}" for text in _texts(told))

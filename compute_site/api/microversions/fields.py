"""Strict field types: a value has the right JSON type and form, or it is refused; nothing is
guessed.

Every type is a DRF ``Field`` that can do two things for a microversion: ``reader`` gives a plain
function that checks and converts, ``schema`` describes exactly the same for OpenAPI.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty
from rest_framework.serializers import Field

from compute_site.api.microversions.errors import as_validation_error, faults_of
from compute_site.api.microversions.version import NEWEST, Microversion
from compute_site.faults import FieldFault
from compute_site.values.words import STRICT_FALSE, STRICT_TRUE

Reader = Callable[[Any, str, list[FieldFault]], Any]
"""Takes a value, its path and the list of faults; returns what the value means."""
Schema = dict[str, Any]

ABSENT: Any = object()
"""Stands for a key that an object does not show."""
JSON_TYPES = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
LARGEST_INT32 = 2147483647
MOST_DIGITS = 4000  # Python refuses to read longer texts as a number


class Refused(ValueError):
    """A value breaks a rule. ``field`` names the member of the value that is wrong, if any."""

    def __init__(self, detail: str, *, code: str = "invalid", field: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.field = field


REFUSALS = (Refused, ValidationError, DjangoValidationError)
"""What a rule may raise to refuse a value: our own error, DRF's or Django's."""


def blame(error: Exception, path: str, faults: list[FieldFault]) -> None:
    """Note one of the ``REFUSALS`` of the value at a path."""
    if isinstance(error, Refused):
        place = f"{path}.{error.field}" if path and error.field else error.field or path
        faults.append(FieldFault(place or "body", error.code, error.detail))
    elif isinstance(error, ValidationError | DjangoValidationError):
        faults += faults_of(error, path)


def version_of(field: Field[Any, Any, Any, Any]) -> Microversion:
    """The microversion in the context of a field or serializer, also as ``"2.67"``; the newest
    where there is none.
    """
    version = field.context.get("version")
    if isinstance(version, str):
        return Microversion.parse(version)
    return version if isinstance(version, Microversion) else NEWEST


class StrictField(Field):  # type: ignore[type-arg]
    """A key of a body or a query string.

    ``key`` is its name on the wire where that is not the attribute's; ``default`` is the value
    when the key is absent (none: the key is missing from the result as well); ``null`` accepts
    null; ``repeat`` (query strings only): the key may be given several times, and the result is a
    tuple, or only the last value where it is ``"last"``. ``validators``, ``help_text``, ``label``,
    ``initial`` and ``style`` are DRF's.

    A type of its own overrides ``convert`` (or DRF's ``to_internal_value``) and ``describe``.
    """

    is_object = False
    """Is this a serializer, so that its own errors are ``non_field_errors``?"""

    def __init__(
        self,
        *,
        key: str | None = None,
        required: bool = False,
        default: Any = empty,
        null: bool = False,
        repeat: bool | str = False,
        help_text: str = "",
        validators: Sequence[Callable[[Any], None]] | None = None,
        label: str | None = None,
        initial: Any = empty,
        style: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            required=required,
            default=default,
            allow_null=null,
            help_text=help_text,
            validators=validators,
            label=label,
            initial=initial,
            style=style,
        )
        self.key = key
        self.repeat = repeat

    def convert(self, value: Any) -> Any:
        """Convert the checked value.

        Raises:
            Refused: it breaks a rule.
        """
        raise NotImplementedError

    def describe(self) -> Schema:
        """The OpenAPI schema of a value that is not null."""
        raise NotImplementedError

    def children(self) -> Sequence[Any]:
        """The fields that read parts of the value."""
        return ()

    def member(self, _step: str | int) -> Any:
        """The field that reads the part of the value at a key or index; none where it has none."""
        return None

    def reader(self, version: Microversion) -> Reader:
        """A plain function that checks a value at a microversion, ``validators`` included."""
        read = self.value_reader(version)
        if not self.validators:
            return read
        validate, null = self.run_validators, self.allow_null

        def read_validated(value: Any, path: str, faults: list[FieldFault]) -> Any:
            before = len(faults)
            result = read(value, path, faults)
            if len(faults) == before and not (value is None and null):
                try:
                    validate(result)
                except REFUSALS as error:
                    blame(error, path, faults)
            return result

        return read_validated

    def value_reader(self, _version: Microversion) -> Reader:
        """The same without the ``validators``."""
        converts_itself = type(self).to_internal_value is StrictField.to_internal_value
        convert = self.convert if converts_itself else self.to_internal_value
        null = self.allow_null

        def read(value: Any, path: str, faults: list[FieldFault]) -> Any:
            if value is None and null:
                return None
            try:
                return convert(value)
            except REFUSALS as error:
                blame(error, path, faults)
                return None

        return read

    def schema(self, version: Microversion) -> Schema:
        return nullable(self.describe()) if self.allow_null else self.describe()

    # as DRF uses it

    def run_validation(self, data: Any = empty) -> Any:
        if data is empty:
            return super().run_validation(data)
        faults: list[FieldFault] = []
        result = self.reader(version_of(self))(data, "", faults)
        if faults:
            below = [dataclasses.replace(f, field=f.field.removeprefix(".")) for f in faults]
            raise as_validation_error(below, data, self)
        return result

    def to_internal_value(self, data: Any) -> Any:
        return self.convert(data)

    def to_representation(self, value: Any) -> Any:
        return value


def nullable(schema: Schema) -> Schema:
    """The same schema, with null beside it."""
    kind = schema.get("type")
    if kind is None or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = kind if isinstance(kind, list) else [kind]
    return {**schema, "type": [*kinds, "null"]}


def wrong_type(expected: str, value: Any) -> Refused:
    got = JSON_TYPES.get(type(value), type(value).__name__)
    return Refused(f"give {expected}, not {got}", code="wrong_type")


def check_storable(text: str) -> None:
    """Refuse a text with NUL, which the database cannot store."""
    if "\x00" in text:
        raise Refused("a NUL character cannot be stored", code="pattern")


class Anything(StrictField):
    """Any JSON value."""

    def convert(self, value: Any) -> Any:
        return value

    def describe(self) -> Schema:
        return {}


class Null(StrictField):
    """Only null: actions without arguments."""

    def convert(self, value: Any) -> None:
        if value is not None:
            raise wrong_type("null", value)

    def describe(self) -> Schema:
        return {"type": "null"}


class Boolean(StrictField):
    """JSON true or false."""

    def convert(self, value: Any) -> bool:
        if type(value) is not bool:
            raise wrong_type("true or false", value)
        return value

    def describe(self) -> Schema:
        return {"type": "boolean"}


class Truth(StrictField):
    """Any JSON value, converted to a boolean as Python does."""

    def convert(self, value: Any) -> bool:
        return bool(value)

    def describe(self) -> Schema:
        return {}


class Boolish(StrictField):
    """true or false, or one of the words for them (docs/contract/create-request.md 3); never a
    number.
    """

    MEANING: dict[Any, bool] = dict.fromkeys(STRICT_TRUE, True) | dict.fromkeys(STRICT_FALSE, False)

    def convert(self, value: Any) -> bool:
        if type(value) is bool:
            return value
        if type(value) is not str:
            raise wrong_type("true, false or a word such as yes or off", value)
        try:
            return self.MEANING[value]
        except KeyError:
            raise Refused(
                f"{value!r} is no truth value; give true, false or a word such as yes or off",
                code="choice",
            ) from None

    def describe(self) -> Schema:
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": list(self.MEANING)}]}


class Integer(StrictField):
    """A whole number within limits. ``text`` also accepts a text of digits; ``exact`` refuses
    numbers with a point, such as 2.0.
    """

    def __init__(
        self,
        smallest: int | None = None,
        largest: int | None = None,
        *,
        text: bool = False,
        number: bool = True,
        exact: bool = False,
        pattern: str = r"-?[0-9]+",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.smallest = smallest
        self.largest = largest
        self.text = text
        self.number = number
        self.exact = exact
        self.pattern = re.compile(pattern)

    def convert(self, value: Any) -> int:
        number = self._number(value)
        if self.smallest is not None and number < self.smallest:
            raise Refused(f"{number} is less than {self.smallest}", code="too_small")
        if self.largest is not None and number > self.largest:
            raise Refused(f"{number} is more than {self.largest}", code="too_large")
        return number

    def _number(self, value: Any) -> int:
        kind = type(value)
        if self.number and (kind is int or (kind is float and value.is_integer())):
            if kind is float and self.exact:
                raise Refused(f"write {value!r:.40} without a point or an exponent", code="pattern")
            return int(value)
        if kind is str and self.text:
            if not self.pattern.fullmatch(value) or len(value) > MOST_DIGITS:
                raise Refused(f"{value[:50]!r} is not a whole number", code="pattern")
            return int(value)
        raise wrong_type("a whole number", value)

    def describe(self) -> Schema:
        kinds = (["integer"] if self.number else []) + (["string"] if self.text else [])
        schema: Schema = {"type": kinds if len(kinds) > 1 else kinds[0]}
        if self.smallest is not None:
            schema["minimum"] = self.smallest
        if self.largest is not None:
            schema["maximum"] = self.largest
        if self.text:
            schema |= {"pattern": f"^{self.pattern.pattern}$", "minLength": 1}
        return schema


class Count(Integer):
    """One or more, as a number or a text of digits."""

    def __init__(self, largest: int | None = None, **options: Any) -> None:
        super().__init__(1, largest, text=True, pattern=r"[0-9]+", **options)


class NonNegative(Integer):
    """Zero or more, as a number or a text of digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(0, text=True, pattern=r"[0-9]+", **options)


class Size(Integer):
    """1 to 2147483647, as a number or a text of digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(1, LARGEST_INT32, text=True, pattern=r"[0-9]+", **options)


class Number(StrictField):
    """A number, also with a fraction. ``text`` also accepts the number as a text."""

    def __init__(
        self,
        smallest: float | None = None,
        largest: float | None = None,
        *,
        text: bool = False,
        pattern: str = r"[0-9]+(\.[0-9]+)?",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.smallest = smallest
        self.largest = largest
        self.text = text
        self.pattern = re.compile(pattern)

    def convert(self, value: Any) -> float:
        if type(value) is str and self.text:
            if not self.pattern.fullmatch(value):
                raise Refused(f"{value[:50]!r} is not a number", code="pattern")
        elif type(value) not in (int, float):
            raise wrong_type("a number", value)
        number = float(value)
        if self.smallest is not None and number < self.smallest:
            raise Refused(f"{value} is less than {self.smallest}", code="too_small")
        if self.largest is not None and number > self.largest:
            raise Refused(f"{value} is more than {self.largest}", code="too_large")
        return number

    def describe(self) -> Schema:
        schema: Schema = {"type": ["number", "string"] if self.text else "number"}
        if self.smallest is not None:
            schema["minimum"] = self.smallest
        if self.largest is not None:
            schema["maximum"] = self.largest
        if self.text:
            schema["pattern"] = f"^{self.pattern.pattern}$"
        return schema


class Choice(StrictField):
    """One of a few texts."""

    def __init__(self, *choices: str | None, **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices

    def convert(self, value: Any) -> Any:
        if value not in self.choices or type(value) is bool:
            known = ", ".join(str(choice) for choice in self.choices)
            raise Refused(f"{value!r:.60} is not one of {known}", code="choice")
        return value

    def describe(self) -> Schema:
        return {"type": "string", "enum": list(self.choices)}

"""Serializers for answers: which keys an object shows, in which order, from which version on.

::

    class FlavorAnswer(AnswerSerializer):
        id = Shown(TEXT, "flavor_id")
        name = Shown(TEXT)
        ram = Shown(INTEGER, "memory_mb")
        swap = Shown(ANY, lambda flavor, frame: flavor.swap or "")
        disabled = Shown(BOOLEAN, key="OS-FLV-DISABLED:disabled")
        description = History({"2.55": Shown(TEXT_OR_NULL)})
        extra_specs = History({"2.61": Shown(OBJECT, rule=EXTRA_SPECS_INDEX)})
        links = Shown(LINKS, lambda flavor, frame: frame.links.both("flavors", flavor.flavor_id))

    return self.answer({"flavor": self.show(FlavorAnswer, flavor)})            # in a ComputeView
    return self.answer({"flavors": self.show_all(FlavorAnswer, flavors)})

* ``Shown(kind, source)``: ``kind`` is a JSON schema (the constants below), an ``AnswerSerializer``
  for an object or ``[AnswerSerializer]`` for a list of them; ``source`` is an attribute path, or a
  function of the object and the frame; without it, the attribute of the same name.
* ``rule=``: the key is there only for callers who hold the policy rule.
* ``optional=True``: the key is there only where ``source`` gives something else than ``ABSENT``.
* ``frame`` is what all objects of an answer share: ``version``, ``caller``, ``links``, and
  ``extra`` for what the view looked up in bulk.
"""

from __future__ import annotations

import copy
import dataclasses
import operator
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.serializers import Field

from compute_site.api.links import Links
from compute_site.api.microversions.fields import ABSENT, Schema
from compute_site.api.microversions.history import form_at
from compute_site.api.microversions.version import NEWEST, Microversion
from compute_site.caller import Caller

ANY: Schema = {}
TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
INTEGER: Schema = {"type": "integer"}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
UUID: Schema = {"type": "string", "format": "uuid"}
OBJECT: Schema = {"type": "object", "additionalProperties": True}
TEXTS: Schema = {"type": "array", "items": TEXT}
LINKS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"rel": TEXT, "href": {"type": "string", "format": "uri"}},
        "required": ["rel", "href"],
    },
}

Getter = Callable[[Any, "Frame"], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """What all objects of one answer share."""

    version: Microversion
    caller: Caller
    links: Links
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Shown(Field):  # type: ignore[type-arg]
    """One key of an answer; see the module's description."""

    def __init__(
        self,
        kind: Schema | type[AnswerSerializer] | list[type[AnswerSerializer]],
        source: str | Getter | None = None,
        *,
        key: str | None = None,
        rule: str | None = None,
        optional: bool = False,
        help_text: str = "",
    ) -> None:
        super().__init__(read_only=True, help_text=help_text)
        self.kind = kind
        self.reads = source
        self.key = key
        self.rule = rule
        self.optional = optional

    def getter(self, name: str, version: Microversion) -> Getter:
        get = self._source(name)
        if isinstance(self.kind, dict):
            return get
        if isinstance(self.kind, list):
            shown = self.kind[0]
            return lambda thing, frame: shown.show_all(get(thing, frame), frame)
        nested = self.kind

        def show(thing: Any, frame: Frame) -> Any:
            value = get(thing, frame)
            return None if value is None else nested.show(value, frame)

        return show

    def _source(self, name: str) -> Getter:
        if callable(self.reads):
            return self.reads
        read = operator.attrgetter(self.reads or name)
        return lambda thing, _frame: read(thing)

    def schema(self, version: Microversion) -> Schema:
        if isinstance(self.kind, dict):
            return self.kind
        if isinstance(self.kind, list):
            return {"type": "array", "items": self.kind[0].schema(version)}
        return self.kind.schema(version)


@dataclasses.dataclass(frozen=True, slots=True)
class _Key:
    key: str
    get: Getter
    rule: str | None
    optional: bool


class AnswerSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The keys of an object in an answer; see the module's description."""

    _compiled: ClassVar[dict[Microversion, tuple[_Key, ...]]]
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._compiled = {}

    @classmethod
    def declared(cls) -> dict[str, Any]:
        """Every key of every version, by attribute."""
        return cls._declared_fields

    @classmethod
    def keys_at(cls, version: Microversion) -> dict[str, Shown]:
        """The keys in force, by attribute."""
        forms = {name: form_at(field, version) for name, field in cls.declared().items()}
        return {name: form for name, form in forms.items() if form is not None}

    @classmethod
    def getters(cls, frame: Frame) -> tuple[list[tuple[str, Getter]], list[tuple[str, Getter]]]:
        """Two lists of (key, getter) for the keys that the caller may see at the version: the keys
        that every object has, and the optional ones.
        """
        compiled = cls._compiled.get(frame.version)
        if compiled is None:
            keys = tuple(
                _Key(
                    shown.key or name,
                    shown.getter(name, frame.version),
                    shown.rule,
                    shown.optional,
                )
                for name, shown in cls.keys_at(frame.version).items()
            )
            with AnswerSerializer._lock:
                compiled = cls._compiled.setdefault(frame.version, keys)
        may = frame.caller.may
        seen = [key for key in compiled if key.rule is None or may(key.rule)]
        return (
            [(key.key, key.get) for key in seen if not key.optional],
            [(key.key, key.get) for key in seen if key.optional],
        )

    @classmethod
    def show(cls, thing: Any, frame: Frame) -> dict[str, Any]:
        """One object for the answer."""
        return cls.show_all((thing,), frame)[0]

    @classmethod
    def show_all(cls, things: Iterable[Any], frame: Frame) -> list[dict[str, Any]]:
        """Many objects for the answer."""
        always, optional = cls.getters(frame)
        if not optional:
            return [{key: get(thing, frame) for key, get in always} for thing in things]
        answers = []
        for thing in things:
            answer = {key: get(thing, frame) for key, get in always}
            for key, get in optional:
                value = get(thing, frame)
                if value is not ABSENT:
                    answer[key] = value
            answers.append(answer)
        return answers

    @classmethod
    def schema(cls, version: Microversion) -> Schema:
        """The JSON schema of one object."""
        keys = cls.keys_at(version)
        return {
            "type": "object",
            "properties": {
                shown.key or name: shown.schema(version) for name, shown in keys.items()
            },
            "required": [
                shown.key or name
                for name, shown in keys.items()
                if not shown.rule and not shown.optional
            ],
        }

    def get_fields(self) -> dict[str, Any]:
        version = self.context.get("version", NEWEST)
        return copy.deepcopy(type(self).keys_at(version))

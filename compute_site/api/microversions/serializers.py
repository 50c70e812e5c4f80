"""Serializers that know every microversion: strict reading of bodies and query strings.

A body::

    class KeypairKeys(VersionedSerializer):
        name = Name(required=True)
        kind = History({"2.2": Choice("ssh", "x509", key="type", default="ssh")})
        public_key = Text()

    class KeypairCreate(VersionedSerializer):
        keypair = KeypairKeys(required=True)

        def build(self, values, version):
            return KeypairOrder(**values["keypair"])

    order = KeypairCreate.read(body, version)     # or self.read(KeypairCreate) in a ComputeView

* The attribute is the name inside, ``key=`` the name on the wire where it differs.
* ``History`` tells the forms of a key by microversion; a plain field is in force from the start.
* Keys that are absent and have no ``default=`` are missing in ``values``.
* ``build`` turns checked values into the object that the view passes on (default: the dict itself);
  it may raise ``Refused(detail, field="min_count")`` for rules that span several keys.
* ``read`` collects all faults and raises ``InvalidBody`` with their paths
  (``keypair.name``, ``server.networks.0.uuid``).
* Unknown keys are refused, on ``/v2`` dropped; ``unknown = "keep"`` accepts any other key as it is.

A query string is the same with ``QuerySerializer`` and ``read_query``: values are texts, a key may
come once unless ``repeat=`` says otherwise, and ``unknown`` may be a history such as
``{"2.1": "drop", "2.75": "refuse"}``.

Everything that depends on the version is compiled once per class and version (``at``).
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty

from compute_site.api.microversions.fields import (
    ABSENT,
    Reader,
    Refused,
    Schema,
    nullable,
    wrong_type,
)
from compute_site.api.microversions.history import History, form_at, when_in_force
from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.faults import FieldFault, InvalidBody


class Compiled:
    """One serializer class at one microversion."""

    def __init__(self, owner: type[VersionedSerializer], version: Microversion) -> None:
        self.owner = owner
        self.version = version
        self.unknown = owner.unknown_mode(version)
        self.fields: dict[str, Any] = {}
        """Field by attribute, only those in force."""
        for name, declared in owner.declared().items():
            form = form_at(declared, version)
            if form is not None:
                self.fields[name] = form
        self.entries: dict[str, tuple[str, Reader]] = {}
        self.required: list[tuple[str, str]] = []
        self.defaults: list[tuple[str, Any]] = []
        for name, field in self.fields.items():
            key = field.key or name
            self.entries[key] = (name, field.reader(version))
            if field.required:
                self.required.append((name, key))
            elif field.absent_value is not ABSENT:
                self.defaults.append((name, field.absent_value))
        self._builder = owner()

    def read(self, value: Any, path: str, faults: list[FieldFault]) -> Any:
        """Check an object; append its faults to ``faults``; return the converted value."""
        if type(value) is not dict:
            refused = wrong_type("an object", value)
            faults.append(FieldFault(path or "body", refused.code, refused.detail))
            return None
        before = len(faults)
        prefix = f"{path}." if path else ""
        values: dict[str, Any] = {}
        entries = self.entries
        for key, item in value.items():
            entry = entries.get(key)
            if entry is not None:
                values[entry[0]] = entry[1](item, prefix + key, faults)
            elif self.unknown == "keep":
                values[key] = item
            elif self.unknown == "refuse":
                faults.append(FieldFault(prefix + key, "unknown_key", self.why_unknown(key)))
        return self.finish(values, path, faults, before)

    def finish(
        self, values: dict[str, Any], path: str, faults: list[FieldFault], before: int
    ) -> Any:
        prefix = f"{path}." if path else ""
        for name, key in self.required:
            if name not in values:
                faults.append(FieldFault(prefix + key, "required", "is required"))
        if len(faults) > before:
            return None
        for name, default in self.defaults:
            if name not in values:
                values[name] = default
        try:
            return self._builder.build(values, self.version)
        except Refused as refused:
            place = prefix + refused.field if refused.field else path or "body"
            faults.append(FieldFault(place, refused.code, refused.detail))
            return None

    def why_unknown(self, key: str) -> str:
        for name, declared in self.owner.declared().items():
            if isinstance(declared, History):
                keys = {form.key or name for form in declared.forms.values() if form is not None}
                if key in keys:
                    return when_in_force(declared, self.version)
        return "there is no such key"

    def schema(self) -> Schema:
        """The JSON schema of what ``read`` accepts."""
        schema: Schema = {
            "type": "object",
            "properties": {
                field.key or name: _described(field, field.schema(self.version))
                for name, field in self.fields.items()
            },
        }
        if self.required:
            schema["required"] = sorted(key for _, key in self.required)
        kept = self.owner.unknown_schema if self.unknown == "keep" else True
        schema["additionalProperties"] = kept if self.unknown != "refuse" else False
        return schema


def _described(field: Any, schema: Schema) -> Schema:
    return {**schema, "description": field.help_text} if field.help_text else schema


class VersionedSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """An object with a fixed set of keys; see the module's description."""

    unknown: ClassVar[str | Mapping[str, str]] = "refuse"
    unknown_schema: ClassVar[Schema | bool] = True
    """What other keys may hold where they are kept."""
    _compiled: ClassVar[dict[Microversion, Compiled]]
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._compiled = {}

    def __init__(
        self,
        instance: Any = None,
        data: Any = empty,
        *,
        key: str | None = None,
        null: bool = False,
        default: Any = ABSENT,
        required: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(instance, data, required=required, allow_null=null, **kwargs)
        self.key = key
        self.absent_value = default
        self.repeat = False

    def build(self, values: dict[str, Any], version: Microversion) -> Any:
        """Build the result from the checked values; may raise ``Refused``."""
        return values

    @classmethod
    def declared(cls) -> dict[str, Any]:
        """Every field of every version, by attribute."""
        return cls._declared_fields

    @classmethod
    def unknown_mode(cls, version: Microversion) -> str:
        if isinstance(cls.unknown, str):
            mode = cls.unknown
        else:
            asked = max(version, OLDEST)
            starts = {Microversion.parse(text): mode for text, mode in cls.unknown.items()}
            mode = starts[max(start for start in starts if start <= asked)]
        return "drop" if mode == "refuse" and version.is_legacy else mode

    @classmethod
    def at(cls, version: Microversion) -> Compiled:
        """The class at one version, compiled once."""
        compiled = cls._compiled.get(version)
        if compiled is None:
            made = cls.compile(version)  # outside the lock: it compiles nested serializers
            with VersionedSerializer._lock:
                compiled = cls._compiled.setdefault(version, made)
        return compiled

    @classmethod
    def compile(cls, version: Microversion) -> Compiled:
        return Compiled(cls, version)

    @classmethod
    def read(cls, body: Any, version: Microversion) -> Any:
        """Check a body and build the result.

        Raises:
            InvalidBody: something is wrong; every fault is listed.
        """
        faults: list[FieldFault] = []
        result = cls.at(version).read(body, "", faults)
        if faults:
            raise InvalidBody(faults)
        return result

    # as a field of another serializer

    def reader(self, version: Microversion) -> Reader:
        read = type(self).at(version).read
        if not self.allow_null:
            return read
        return lambda value, path, faults: None if value is None else read(value, path, faults)

    def schema(self, version: Microversion) -> Schema:
        schema = type(self).at(version).schema()
        return nullable(schema) if self.allow_null else schema

    # as DRF uses it

    def get_fields(self) -> dict[str, Any]:
        return copy.deepcopy(type(self).at(self._version()).fields)

    def run_validation(self, data: Any = empty) -> Any:
        faults: list[FieldFault] = []
        result = type(self).at(self._version()).read(data, "", faults)
        if faults:
            raise ValidationError({fault.field: [fault.detail] for fault in faults})
        return result

    def _version(self) -> Microversion:
        version = self.context.get("version", NEWEST)
        return version if isinstance(version, Microversion) else NEWEST


class CompiledQuery(Compiled):
    """A query string at one microversion: lists of texts by key."""

    def read_lists(self, lists: Mapping[str, list[str]]) -> Any:
        faults: list[FieldFault] = []
        values: dict[str, Any] = {}
        for key, texts in lists.items():
            entry = self.entries.get(key)
            if entry is not None:
                values[entry[0]] = self._read_texts(entry, key, texts, faults)
            elif self.unknown == "keep":
                values[key] = texts[-1]
            elif self.unknown == "refuse":
                faults.append(FieldFault(key, "unknown_key", self.why_unknown(key)))
        result = self.finish(values, "", faults, 0)
        if faults:
            raise InvalidBody(faults)
        return result

    def _read_texts(
        self, entry: tuple[str, Reader], key: str, texts: list[str], faults: list[FieldFault]
    ) -> Any:
        name, read = entry
        repeat = self.fields[name].repeat
        if not repeat and len(texts) > 1:
            faults.append(FieldFault(key, "repeated", "give this key once only"))
            return None
        values = [read(text, key, faults) for text in texts]
        return tuple(values) if repeat is True else values[-1]


class QuerySerializer(VersionedSerializer):
    """The keys of a query string; see the module's description."""

    unknown: ClassVar[str | Mapping[str, str]] = "drop"

    @classmethod
    def compile(cls, version: Microversion) -> Compiled:
        return CompiledQuery(cls, version)

    @classmethod
    def read_query(cls, lists: Mapping[str, list[str]], version: Microversion) -> Any:
        """Check a query string (``QueryDict.lists()`` as a dict) and build the result.

        Raises:
            InvalidBody: something is wrong; every fault is listed.
        """
        compiled = cls.at(version)
        assert isinstance(compiled, CompiledQuery)  # noqa: S101 - compile() above says so
        return compiled.read_lists(lists)

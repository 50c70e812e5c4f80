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
What Django REST framework offers works as well; see ``VersionedSerializer``.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.datastructures import MultiValueDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty
from rest_framework.utils.serializer_helpers import BoundField, NestedBoundField, ReturnDict

from compute_site.api.microversions.errors import as_validation_error
from compute_site.api.microversions.fields import (
    REFUSALS,
    Reader,
    Schema,
    blame,
    nullable,
    version_of,
    wrong_type,
)
from compute_site.api.microversions.history import History, form_at, when_in_force
from compute_site.api.microversions.version import OLDEST, Microversion
from compute_site.faults import FieldFault, InvalidBody

Hook = Callable[[Any], Any]


class Compiled:
    """One serializer at one microversion: what it reads, as plain functions."""

    def __init__(self, owner: VersionedSerializer, version: Microversion) -> None:
        self.owner = owner
        self.version = version
        self.unknown = owner.unknown_mode(version)
        self.fields: dict[str, Any] = dict(owner.fields)
        """Field by attribute, only those in force."""
        self.entries: dict[str, tuple[str, Reader]] = {}
        self.required: list[tuple[str, str]] = []
        self.defaults: list[tuple[str, Any]] = []
        self.hooks: list[tuple[str, str, Hook]] = []
        """Attribute, key and ``validate_<attribute>``, of the fields that have one."""
        self.needs_instance = False
        """Must every body have an instance of its own? ``VersionedSerializer.at`` says it."""
        partial = getattr(owner.root, "partial", False)
        for name, field in self.fields.items():
            key = key_of(name, field)
            self.entries[key] = (name, field.reader(version))
            if field.required and not partial:
                self.required.append((name, key))
            elif field.default is not empty and not partial:
                self.defaults.append((name, field))
            hook = getattr(owner, f"validate_{name}", None)
            if hook is not None:
                self.hooks.append((name, key, hook))
        validates = type(owner).validate is not serializers.Serializer.validate
        self.build = self._validate if validates or owner.validators else owner.build

    def read(self, value: Any, path: str, faults: list[FieldFault]) -> Any:
        """Check an object; append its faults to ``faults``; return the converted value."""
        if type(value) is not dict:
            blame(wrong_type("an object", value), path, faults)
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
        """What is to do when every key was read; ``before`` is the number of older faults."""
        prefix = f"{path}." if path else ""
        for name, key in self.required:
            if name not in values:
                faults.append(FieldFault(prefix + key, "required", "is required"))
        for name, field in self.defaults:
            if name not in values:
                values[name] = field.get_default() if callable(field.default) else field.default
        if self.hooks:
            self._run_hooks(values, prefix, faults, before)
        if len(faults) > before:
            return None
        try:
            return self.build(values, self.version)
        except REFUSALS as error:
            blame(error, path, faults)
            return None

    def _run_hooks(
        self, values: dict[str, Any], prefix: str, faults: list[FieldFault], before: int
    ) -> None:
        """Each ``validate_<attribute>`` whose value is good so far."""
        wrong = [f"{fault.field}." for fault in faults[before:]]
        for name, key, hook in self.hooks:
            place = prefix + key
            if name in values and not any(blamed.startswith(f"{place}.") for blamed in wrong):
                try:
                    values[name] = hook(values[name])
                except REFUSALS as error:
                    blame(error, place, faults)

    def _validate(self, values: dict[str, Any], version: Microversion) -> Any:
        """The serializer's validators, ``validate``, then ``build``. What the first two say of an
        attribute is told of its key.
        """
        try:
            self.owner.run_validators(values)
            found = self.owner.validate(values)
        except (ValidationError, DjangoValidationError) as error:
            detail = serializers.as_serializer_error(error)
            raise ValidationError(
                {
                    key_of(name, self.fields[name]) if name in self.fields else name: told
                    for name, told in detail.items()
                }
            ) from error
        if found is None:
            raise TypeError(f"{type(self.owner).__name__}.validate() returns nothing")
        return self.owner.build(found, version)

    def why_unknown(self, key: str) -> str:
        for name, declared in self.owner.declared().items():
            if isinstance(declared, History):
                keys = {key_of(name, form) for form in declared.forms.values() if form is not None}
                if key in keys:
                    return when_in_force(declared, self.version)
        return "there is no such key"

    def schema(self) -> Schema:
        """The JSON schema of what ``read`` accepts."""
        schema: Schema = {
            "type": "object",
            "properties": {
                key_of(name, field): _described(field, field.schema(self.version))
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


def key_of(name: str, field: Any) -> str:
    """The key on the wire of a field with this attribute."""
    return str(field.key or name)


class VersionedSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """An object with a fixed set of keys; see the module's description.

    It is a serializer of Django REST framework, and works as one::

        serializer = ServerCreate(data=body, context={"version": "2.90"})
        serializer.is_valid(raise_exception=True)
        order = serializer.validated_data       # what read() gives

    * Without a version in the context the newest counts.
    * ``errors`` nest and have codes; ``errors`` and ``data`` have the keys of the wire, ``fields``
      those of the attributes. ``data`` of a checked body is the body, known keys only.
    * ``validate_<attribute>()``, ``validate()``, ``validators=`` of fields and of serializers (or
      in ``Meta``) are called, by ``is_valid`` and by ``read``: first a field's validators, then its
      ``validate_<attribute>``, then the serializer's validators and ``validate``, at last
      ``build``. They may raise DRF's or Django's ``ValidationError`` or ``Refused``.
    * In a view, ``self.context`` of such methods has ``request``, ``view`` and ``version``.

    A serializer with ``validate`` methods is read by an instance of its own for every body, which
    takes a few milliseconds for a large one; those without share what is compiled for the version.
    """

    unknown: ClassVar[str | Mapping[str, str]] = "refuse"
    unknown_schema: ClassVar[Schema | bool] = True
    """What other keys may hold where they are kept."""
    is_object = True
    compiler: ClassVar[type[Compiled]] = Compiled
    _compiled: ClassVar[dict[Microversion, Compiled]]
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._compiled = {}
        for name in ("to_internal_value", "run_validation"):
            if name in vars(cls):
                raise TypeError(f"{cls.__name__}.{name} would not be called; override build()")

    def __init__(
        self,
        instance: Any = None,
        data: Any = empty,
        *,
        key: str | None = None,
        null: bool = False,
        required: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(instance, data, required=required, allow_null=null, **kwargs)
        self.key = key
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
            made = cls(context={"version": version}).compile(version)  # long: outside the lock
            made.needs_instance = _needs_instance(made.owner)
            with VersionedSerializer._lock:
                compiled = cls._compiled.setdefault(version, made)
        return compiled

    def compile(self, version: Microversion) -> Compiled:
        """The serializer with the fields and the context that it has by now."""
        if version_of(self) == version:
            return self.compiler(self, version)
        other = copy.deepcopy(self)
        other._context = {"version": version}  # noqa: SLF001 - DRF's own; the copy is ours
        return self.compiler(other, version)

    @classmethod
    def read(
        cls, body: Any, version: Microversion, context: Mapping[str, Any] | None = None
    ) -> Any:
        """Check a body and build the result.

        A serializer whose hooks may look at the ``context``, or keep something on ``self``, gets
        an instance for this body alone.

        Raises:
            InvalidBody: something is wrong; every fault is listed.
        """
        compiled = cls.at(version)
        if compiled.needs_instance:
            compiled = cls._for(body, version, context)
        faults: list[FieldFault] = []
        result = compiled.read(body, "", faults)
        if faults:
            raise InvalidBody(faults)
        return result

    @classmethod
    def _for(cls, data: Any, version: Microversion, context: Mapping[str, Any] | None) -> Compiled:
        return cls(data=data, context={**(context or {}), "version": version}).compile(version)

    # as a field of another serializer

    def reader(self, version: Microversion) -> Reader:
        read = self.compile(version).read
        if not self.allow_null:
            return read
        return lambda value, path, faults: None if value is None else read(value, path, faults)

    def schema(self, version: Microversion) -> Schema:
        schema = type(self).at(version).schema()
        return nullable(schema) if self.allow_null else schema

    def children(self) -> Sequence[Any]:
        """The fields in force."""
        return tuple(self.fields.values())

    def member(self, step: str | int) -> Any:
        """The field of a key."""
        return next(
            (field for name, field in self.fields.items() if key_of(name, field) == step), None
        )

    # as DRF uses it

    def get_fields(self) -> dict[str, Any]:
        version = version_of(self)
        forms = {name: form_at(field, version) for name, field in self.declared().items()}
        return {name: copy.deepcopy(form) for name, form in forms.items() if form is not None}

    def run_validation(self, data: Any = empty) -> Any:
        if data is empty or (data is None and self.allow_null):
            return super().run_validation(data)
        faults: list[FieldFault] = []
        result = None
        if isinstance(data, Mapping):
            data = self.plain(data)
            result = self.compile(version_of(self)).read(data, "", faults)
        else:
            blame(wrong_type("an object", data), "", faults)
        if faults:
            raise as_validation_error(faults, data, self)
        return result

    @staticmethod
    def plain(data: Mapping[str, Any]) -> dict[str, Any]:
        """Any mapping as the plain dict that JSON gives."""
        return {key: data[key] for key in data}

    @property
    def data(self) -> Any:
        """Keys as on the wire: of the ``instance``, else the checked body as it came, else the
        initial values.
        """
        if self.instance is None and hasattr(self, "_validated_data"):
            return ReturnDict(self.get_initial(), serializer=self)
        return super().data

    def get_initial(self) -> dict[str, Any]:
        keys = {key_of(name, field): field for name, field in self.fields.items()}
        if not hasattr(self, "initial_data"):
            return {key: field.get_initial() for key, field in keys.items()}
        given = self.initial_data if isinstance(self.initial_data, Mapping) else {}
        keeps = self.unknown_mode(version_of(self)) == "keep"
        return {key: given[key] for key in given if keeps or key in keys}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {key_of(name, self.fields[name]): value for name, value in shown.items()}

    def __getitem__(self, name: str) -> Any:
        """The field as a form shows it, with its value and its errors."""
        field = self.fields[name]
        key = key_of(name, field)
        errors = self.errors.get(key) if hasattr(self, "_errors") else None
        bound: Any = NestedBoundField if isinstance(field, serializers.Serializer) else BoundField
        return bound(field, self.data.get(key), errors)


def _needs_instance(field: Any) -> bool:
    """Is there code of DRF's kind in a serializer, or in what it nests, that may look at the
    context or keep something on ``self``?
    """
    if any(getattr(rule, "requires_context", False) for rule in (*field.validators, field.default)):
        return True
    if isinstance(field, VersionedSerializer):
        kind = type(field)
        own = (
            kind.validate is not VersionedSerializer.validate
            or kind.__init__ is not VersionedSerializer.__init__
            or kind.get_fields is not VersionedSerializer.get_fields
            or any(hasattr(field, f"validate_{name}") for name in field.fields)
        )
        if own:
            return True
    return any(map(_needs_instance, field.children()))


class CompiledQuery(Compiled):
    """A query string at one microversion: lists of texts by key."""

    def read(self, value: Any, path: str, faults: list[FieldFault]) -> Any:
        values: dict[str, Any] = {}
        for key, texts in value.items():
            entry = self.entries.get(key)
            if entry is not None:
                values[entry[0]] = self._read_texts(entry, key, texts, faults)
            elif self.unknown == "keep":
                values[key] = texts[-1]
            elif self.unknown == "refuse":
                faults.append(FieldFault(key, "unknown_key", self.why_unknown(key)))
        return self.finish(values, "", faults, 0)

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
    compiler = CompiledQuery

    @classmethod
    def read_query(
        cls,
        lists: Mapping[str, list[str]],
        version: Microversion,
        context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Check a query string (``QueryDict.lists()`` as a dict) and build the result.

        Raises:
            InvalidBody: something is wrong; every fault is listed.
        """
        compiled = cls.at(version)
        if compiled.needs_instance:
            compiled = cls._for(lists, version, context)
        faults: list[FieldFault] = []
        result = compiled.read(lists, "", faults)
        if faults:
            raise InvalidBody(faults)
        return result

    @staticmethod
    def plain(data: Mapping[str, Any]) -> dict[str, Any]:
        """A ``QueryDict``, or a mapping of texts or lists of texts, as lists of texts."""
        if isinstance(data, MultiValueDict):
            return dict(data.lists())
        return {
            key: [str(text) for text in (given if isinstance(given, list | tuple) else [given])]
            for key, given in data.items()
        }

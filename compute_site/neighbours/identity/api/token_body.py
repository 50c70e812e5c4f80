"""The body of ``POST /v3/auth/tokens``: serializers that make an ``AuthRequest`` of it.

Unknown members are passed over, as in Keystone. What is wrong first is told, with its path.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.settings import api_settings

from compute_site.faults import Fault
from compute_site.identity.auth_request import METHODS, AuthRequest, DomainRef
from compute_site.identity.errors import MalformedRequest, UnknownMethod
from compute_site.neighbours.serializers import CheckedField
from compute_site.values.keys import WrongValue, anything

FAULTS: Mapping[str | None, type[Fault]] = {UnknownMethod.code: UnknownMethod}
"""What is wrong without being malformed, by the code of the error."""
UNSCOPED = "unscoped"
TRUST = "OS-TRUST:trust"
OFFERED = ("system", "project", "domain", TRUST)
SCOPES = (*OFFERED, UNSCOPED)
"""What a token can be for in Keystone; a request names one."""
NO_OBJECT = "give an object."
NO_TEXT = "give a text."
NO_METHODS = "give a list of methods."
WHOLE = api_settings.NON_FIELD_ERRORS_KEY


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue(NO_TEXT)
    return value


def _read_methods(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(m, str) for m in value):
        raise WrongValue(NO_METHODS)
    unknown = [method for method in value if method not in METHODS]
    if unknown or not value:
        told = f"The method {unknown[0]!r} is not offered" if unknown else "No method is named"
        raise ValidationError(
            f"{told}; use {' or '.join(sorted(METHODS))}.", code=UnknownMethod.code
        )
    return tuple(value)


class Text(CheckedField):
    def __init__(self, **options: Any) -> None:
        super().__init__(_read_text, error_messages={"required": NO_TEXT}, **options)


class Methods(CheckedField):
    def __init__(self, **options: Any) -> None:
        super().__init__(_read_methods, error_messages={"required": NO_METHODS}, **options)


class Member(serializers.Serializer):  # type: ignore[type-arg] # generic in the stubs only
    """An object of the body."""

    default_error_messages: ClassVar = {
        "required": NO_OBJECT,
        "null": NO_OBJECT,
        "invalid": NO_OBJECT,
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            for name in self.unread(data):
                del self.fields[name]
        values: dict[str, Any] = super().to_internal_value(data)
        return values

    def unread(self, data: Mapping[str, Any]) -> Collection[str]:
        """The members that are not looked at, because others say the same."""
        return ()


class Named(Member):
    """Something that is named by its name and domain, or else by its id. What is empty is as if it
    were not there.
    """

    default_error_messages: ClassVar = {"unnamed": "give an id, or a name and a domain."}

    def unread(self, data: Mapping[str, Any]) -> Collection[str]:
        return () if data.get("name") else ("domain",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        by_id, by_name = (str(self.fields[key].source) for key in ("id", "name"))
        if attrs.get(by_name):
            attrs.pop(by_id, None)  # Keystone: the name counts
        elif attrs.get(by_id):
            attrs.pop(by_name, None)
        else:
            self.fail("unnamed")
        return attrs


class Domain(Member):
    """Reads as what names it."""

    id = Text(required=False)
    name = Text(required=False)

    default_error_messages: ClassVar = {"unnamed": "give an id or a name."}

    def validate(self, attrs: dict[str, Any]) -> Any:
        if attrs.get("name"):
            return DomainRef(name=attrs["name"])
        if not attrs.get("id"):
            self.fail("unnamed")
        return DomainRef(attrs["id"])


class PasswordUser(Named):
    password = Text(default="")  # Keystone: without one, one is told that it is wrong
    id = Text(source="user_id", required=False)
    name = Text(source="user_name", required=False)
    domain = Domain(source="user_domain")


class Password(Member):
    user = PasswordUser()


class PasscodeUser(Named):
    passcode = Text()
    id = Text(source="passcode_user_id", required=False)
    name = Text(source="passcode_user_name", required=False)
    domain = Domain(source="passcode_user_domain")


class Passcode(Member):
    user = PasscodeUser()


class Token(Member):
    id = Text(source="token")


class CredentialUser(Named):
    id = Text(source="user_id", required=False)
    name = Text(source="user_name", required=False)
    domain = Domain(source="user_domain")


class Credential(Member):
    """By its id, or by its name and its user."""

    secret = Text()
    id = Text(source="credential_id")
    user = CredentialUser()
    name = Text(source="credential_name")

    def unread(self, data: Mapping[str, Any]) -> Collection[str]:
        return ("name", "user") if "id" in data else ("id",)


class Signature(Member):
    """Nothing: the header ``Authorization`` has it all."""


class Identity(Member):
    """Of the proofs, those are read that ``methods`` names."""

    methods = Methods()
    password = Password()
    token = Token()
    application_credential = Credential()
    oauth1 = Signature()
    totp = Passcode()

    def unread(self, data: Mapping[str, Any]) -> Collection[str]:
        methods = data.get("methods")
        named = methods if isinstance(methods, list) else ()
        for method in named:
            if isinstance(method, str) and method not in METHODS and method not in data:
                raise ValidationError({method: [NO_OBJECT]})
        return [method for method in METHODS if method not in named]


class ScopeProject(Named):
    id = Text(source="project_id", required=False)
    name = Text(source="project_name", required=False)
    domain = Domain(source="project_domain")


class ScopeDomain(Domain):
    def validate(self, attrs: dict[str, Any]) -> Any:
        return {"domain": super().validate(attrs)}


class ScopeSystem(Member):
    all = CheckedField(anything, error_messages={"required": "give true."})

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("all") is not True:
            raise ValidationError({"all": ["give true."]})
        return {}


class ScopeTrust(Member):
    id = Text(source="trust_id")


class Scope(Member):
    project = ScopeProject()
    domain = ScopeDomain()
    system = ScopeSystem()

    default_error_messages: ClassVar = {
        "invalid": "give an object with a project.",
        "number": f"give one of {', '.join(SCOPES)}.",
    }

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), TRUST: ScopeTrust()}

    def unread(self, data: Mapping[str, Any]) -> Collection[str]:
        return [kind for kind in OFFERED if kind not in data]

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        kinds = [kind for kind in SCOPES if kind in data] if isinstance(data, Mapping) else []
        if isinstance(data, Mapping) and len(kinds) != 1:
            self.fail("number")
        if data == UNSCOPED or kinds == [UNSCOPED]:
            return {"scope": "none"}
        named = super().to_internal_value(data)
        (kind,) = kinds
        return {"scope": "trust" if kind == TRUST else kind, **named[kind]}


class Auth(Member):
    identity = Identity()
    scope = Scope(required=False)


class TokenBody(Member):
    auth = Auth()

    def order(self) -> AuthRequest:
        """What is asked for.

        Raises:
            MalformedRequest: something is missing or of the wrong type; the text names it.
            UnknownMethod: a method that is not offered.
        """
        if not self.is_valid():
            where, error = _first(self.errors)
            raise FAULTS.get(error.code, MalformedRequest)(f"{where}: {error}")
        auth = self.validated_data["auth"]
        return AuthRequest(**_members(auth["identity"]), **_members(auth.get("scope") or {}))

    @classmethod
    def read_body(cls, body: Any) -> AuthRequest:
        """As ``order``, of a body of any form."""
        return cls(data=body if isinstance(body, dict) else {}).order()


def _first(errors: Mapping[str, Any]) -> tuple[str, ErrorDetail]:
    """The path and the text of what is wrong first, in the order of the fields."""
    name, told = next(iter(errors.items()))
    own = [] if name == WHOLE else [name]
    if not isinstance(told, Mapping):
        return ".".join(own), told[0]
    where, error = _first(told)
    return ".".join([*own, where] if where else own), error


def _members(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values at all levels in one; what is null is as if it were not there."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _members(value) if isinstance(value, Mapping) else {name: value}
    return {name: value for name, value in found.items() if value is not None}

"""The bodies of requests to the identity API; ``token_body`` has those that ask for a token.

A body is read below its key ``noun``; what is wrong first is told. As in Keystone, unknown members
of projects and users are stored and shown again: they are gathered under ``extra``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings

from compute_site.identity.assignments import ROLE_OF_ID
from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.errors import MalformedRequest
from compute_site.identity.extra import EXTRA, LONGEST_TEXT
from compute_site.identity.models import Project, Role
from compute_site.neighbours.serializers import BodySerializer, CheckedField
from compute_site.values.keys import Reader, WrongValue, anything
from compute_site.values.strict_json import Unkeepable, check_keepable


def text_up_to(longest: int) -> Reader:
    """A reader of texts up to this length; ``null`` is read as an empty text."""

    def read(value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str) or "\0" in value or len(value) > longest:
            raise WrongValue(f"give a text of at most {longest} characters.")
        return value

    return read


text = text_up_to(LONGEST_TEXT)
password_text = text_up_to(4096)


def name_of(longest: int) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > longest:
            raise WrongValue(f"give 1 to {longest} characters.")
        return value

    return read


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValue("give true or false.")
    return value


def only(*allowed: Any, because: str) -> Reader:
    """A reader of a member of which this site supports only these values."""

    def read(value: Any) -> Any:
        if value not in allowed:
            raise WrongValue(because)
        return value

    return read


NON_FIELD_ERRORS = api_settings.NON_FIELD_ERRORS_KEY
our_domain = only(DOMAIN_ID, None, because=f"there is one domain here, {DOMAIN_ID!r}.")
no_options = only({}, {"immutable": None}, {"immutable": False}, None, because="none is offered.")


class Member(CheckedField):
    """One member; it may be missing unless there is a text ``missing`` for that."""

    def __init__(self, check: Reader, *, missing: str | None = None, **options: Any) -> None:
        if missing is not None:
            options["error_messages"] = {"required": missing}
        elif "default" not in options:
            options["required"] = False
        super().__init__(check, **options)


NEEDED = "give one."


class IdentityBody(BodySerializer):
    """An object below ``noun``. With ``partial`` members may be missing, as in a ``PATCH``."""

    noun: ClassVar[str]
    rest = EXTRA

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            check_keepable(attrs[EXTRA])
        except Unkeepable as error:
            raise ValidationError(f"{error}.") from None
        return attrs

    @classmethod
    def read_body(cls, body: Any, *, partial: bool = False) -> dict[str, Any]:
        """The checked members, those that the body has, with the unknown ones under ``extra``.

        Raises:
            MalformedRequest: something is wrong; the text names the member.
        """
        given = body.get(cls.noun) if isinstance(body, dict) else None
        if not isinstance(given, dict):
            raise MalformedRequest(f"{cls.noun}: give an object.")
        serializer = cls(data=given, partial=partial)
        if not serializer.is_valid():
            raise MalformedRequest(cls._first_error(given, serializer.errors))
        return dict(serializer.validated_data)

    @classmethod
    def _first_error(cls, given: Mapping[str, Any], errors: Mapping[str, Any]) -> str:
        """In the order of the body; what is missing comes last."""
        name = next(name for name in (*given, *errors) if name in errors)
        where = cls.noun if name == NON_FIELD_ERRORS else f"{cls.noun}.{name}"
        return f"{where}: {errors[name][0]}"


class ProjectBody(IdentityBody):
    noun = "project"

    name = Member(name_of(64), missing=NEEDED)
    description = Member(text)
    enabled = Member(flag)
    domain_id = Member(our_domain)
    parent_id = Member(only(DOMAIN_ID, None, because="projects do not lie within others here."))
    is_domain = Member(only(False, None, because="a project is no domain here."))
    tags = Member(only([], None, because="projects have no tags here."))
    options = Member(no_options)


def password_or_none(value: Any) -> str | None:
    """``null`` means that the user cannot log in with a password."""
    return None if value is None else str(password_text(value))


class UserBody(IdentityBody):
    noun = "user"

    name = Member(name_of(150), missing=NEEDED)
    enabled = Member(flag)
    email = Member(text_up_to(254))
    password = Member(password_or_none, default=None)
    default_project_id = Member(anything)
    domain_id = Member(our_domain)
    options = Member(no_options)

    def validate_default_project_id(self, value: Any) -> Any:
        known = value is None or (
            isinstance(value, str)
            and "\0" not in value
            and Project.objects.filter(pk=value).exists()
        )
        if not known:
            raise ValidationError("there is no such project.")
        return value


class PasswordChange(IdentityBody):
    noun = "user"

    password = Member(password_text)
    original_password = Member(text)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if not attrs.get("password") or not attrs.get("original_password"):
            raise ValidationError("give original_password and password.")
        return attrs


def true_or_nothing(value: Any) -> bool:
    if value not in (None, True, False):
        raise WrongValue("give true or false.")
    return bool(value)


LENGTHS = "give 1 to 255 characters."


def credential_name(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 255 or "\0" in value:
        raise WrongValue(LENGTHS)
    return value


def largest_role(given: Any) -> Role | None:
    """The largest of the named roles; ``None`` where none is named."""
    if given is None or given == []:
        return None
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise WrongValue("give a list of objects with id or name.")
    roles = []
    for entry in given:
        name, role_id = entry.get("name"), entry.get("id")
        role = ROLE_OF_ID.get(role_id) if isinstance(role_id, str) else None
        if role is None and name in list(Role):
            role = Role(name)
        if role is None:
            raise WrongValue(f"there is no role {name or role_id!r}.")
        roles.append(role)
    return max(roles, key=list(Role).index)


def coming_time(given: Any) -> dt.datetime | None:
    if given is None:
        return None
    try:
        moment = parse_datetime(given) if isinstance(given, str) else None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        moment = moment and moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):  # not a time, or a time beyond the year 9999
        moment = None
    if moment is None:
        raise WrongValue("give a time such as 2030-01-31T12:00:00Z.")
    if moment <= timezone.now():
        raise WrongValue("this time is over.")
    return moment


class CredentialCreate(IdentityBody):
    """An application credential; the project is that of the token, whatever the body says."""

    noun = "application_credential"

    name = Member(credential_name, missing=LENGTHS)
    description = Member(text, default="")
    secret = Member(text, default="")
    unrestricted = Member(true_or_nothing, default=False)
    roles = Member(largest_role, default=None, source="role")
    expires_at = Member(coming_time, default=None)
    project_id = Member(anything)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of ``CredentialOrder``. Members of Keystone that are not kept here may be
        there if they say nothing.
        """
        surplus = sorted(name for name, value in attrs[EXTRA].items() if value not in (None, []))
        if surplus:
            raise ValidationError({surplus[0]: ["this is not supported."]})
        return {name: value for name, value in attrs.items() if name not in (EXTRA, "project_id")}

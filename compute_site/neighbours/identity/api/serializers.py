"""The bodies of requests to the identity API; ``token_body`` has those that ask for a token.

A body is read below its key ``noun``; what is wrong first is told. As in Keystone, unknown members
of projects and users are stored and shown again: they are gathered under ``extra``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings

from compute_site.identity.access_rules import MEMBERS, METHODS
from compute_site.identity.assignments import ROLE_OF_ID
from compute_site.identity.auth_request import METHODS as AUTH_METHODS
from compute_site.identity.catalog import FILTERS, KNOWN_IN_URLS, SUBSTITUTED
from compute_site.identity.errors import MalformedRequest, NoSuchThing, WrongSignature
from compute_site.identity.extra import EXTRA, LONGEST_TEXT
from compute_site.identity.factors import ENABLED, RULES
from compute_site.identity.kept import is_utf8
from compute_site.identity.models import (
    Domain,
    NamedRole,
    Project,
    Region,
    Role,
    Service,
    User,
)
from compute_site.identity.service_models import INTERFACES
from compute_site.identity.tags import tag_list
from compute_site.neighbours.serializers import BodySerializer, CheckedField, check_alone
from compute_site.values.keys import LARGEST_INT, Reader, WrongValue, anything, between
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
short_text = text_up_to(255)
password_text = text_up_to(4096)


def filled(longest: int) -> Reader:
    def read(value: Any) -> str:
        if value in (None, ""):
            raise WrongValue("give a text.")
        return str(text_up_to(longest)(value))

    return read


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


def or_null(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def id_of(model: type[Model], noun: str, *, missing: type[Exception] = NoSuchThing) -> Reader:
    """A reader of the id of a row; ``missing`` is raised where there is none, which Keystone
    answers by 404 or 400.
    """

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise WrongValue("give an id.")
        if "\0" in value or not QuerySet(model).filter(pk=value).exists():
            raise missing(f"There is no {noun} {value[:60]}.")
        return value

    return read


def options_of(
    known: Mapping[str, tuple[Any, ...]], others: Mapping[str, Reader] | None = None
) -> Reader:
    """A reader of options, each of which takes one of some values, or what its reader takes; null
    takes it away.
    """
    readers = others or {}

    def read(value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise WrongValue("give an object.")
        for name, chosen in value.items():
            if name not in known and name not in readers:
                names = ", ".join((*known, *readers))
                raise WrongValue(f"{name[:60]} is not offered; known are {names}.")
            if name in readers:
                or_null(readers[name])(chosen)
                continue
            if not any(type(chosen) is type(one) and chosen == one for one in (*known[name], None)):
                raise WrongValue(
                    f"{name}: give one of {', '.join(map(str, known[name]))}, or null."
                )
        return dict(value)

    return read


def factor_rules(value: Any) -> list[list[str]]:
    """Lists of methods that go together. One of them names none but those that there are:
    otherwise the user would never get in again.
    """
    if not isinstance(value, list) or not all(isinstance(rule, list) and rule for rule in value):
        raise WrongValue(f"{RULES}: give a list of lists of methods.")
    read = [[name_of(64)(method) for method in rule] for rule in value]
    twice = any(len(set(rule)) < len(rule) or read.count(rule) > 1 for rule in read)
    if twice or len(read) > MOST_FACTOR_RULES:
        raise WrongValue(f"{RULES}: give {MOST_FACTOR_RULES} lists at most, and nothing twice.")
    if read and not any(set(rule) <= AUTH_METHODS for rule in read):
        raise WrongValue(f"{RULES}: give one list of {', '.join(sorted(AUTH_METHODS))} alone.")
    return read


MOST_FACTOR_RULES = 100
EITHER = (True, False)
immutable = options_of({"immutable": EITHER})
user_options = options_of(
    {
        # the first three exempt from what never happens here
        **dict.fromkeys(
            (
                *("ignore_change_password_upon_first_use", "ignore_password_expiry"),
                *("ignore_user_inactivity", "ignore_lockout_failure_attempts", "lock_password"),
                ENABLED,
            ),
            EITHER,
        ),
    },
    {RULES: factor_rules},
)
domain_id = id_of(Domain, "domain")


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
    """An object below ``noun``; where that is empty, the body itself. With ``partial`` members may
    be missing, as in a ``PATCH``.
    """

    noun: ClassVar[str]
    rest: ClassVar[str | None] = EXTRA
    changes_something: ClassVar[bool] = True
    """Does a change name at least one member?"""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            check_keepable(attrs.get(EXTRA))
        except Unkeepable as error:
            raise ValidationError(f"{error}.") from None
        return attrs

    @classmethod
    def read_body(cls, body: Any, *, partial: bool = False) -> dict[str, Any]:
        """The checked members, those that the body has, with the unknown ones under ``extra``.

        Raises:
            MalformedRequest: something is wrong; the text names the member.
        """
        given = body.get(cls.noun) if cls.noun and isinstance(body, dict) else body
        if not isinstance(given, dict):
            raise MalformedRequest(f"{cls.noun or 'body'}: give an object.")
        if cls.noun:
            check_alone(body, cls.noun)
        if partial and not given and cls.changes_something:
            raise MalformedRequest(f"{cls.noun}: give at least one member.")
        serializer = cls(data=given, partial=partial)
        if not serializer.is_valid():
            raise MalformedRequest(cls._first_error(given, serializer.errors))
        return dict(serializer.validated_data)

    @classmethod
    def _first_error(cls, given: Mapping[str, Any], errors: Mapping[str, Any]) -> str:
        """In the order of the body; what is missing comes last."""
        name = next(name for name in (*given, *errors) if name in errors)
        path = (cls.noun, "" if name == NON_FIELD_ERRORS else name)
        return f"{'.'.join(part for part in path if part) or 'body'}: {errors[name][0]}"


def optional_domain(value: Any) -> Any:
    """``null`` is as if it were not there."""
    return None if value is None else domain_id(value)


class InDomain(IdentityBody):
    """Something of a domain; where the body names none, the view does."""

    domain_id = Member(optional_domain)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("domain_id", "") is None:
            del attrs["domain_id"]
        return super().validate(attrs)


class LimitBody(IdentityBody):
    """Bodies of limits have no other members than these."""

    rest = None
    changes_something = False

    @classmethod
    def read_several(cls, body: Any) -> list[dict[str, Any]]:
        """Those of the list below the plural of ``noun``.

        Raises:
            MalformedRequest: something is wrong.
        """
        plural = f"{cls.noun}s"
        given = body.get(plural) if isinstance(body, dict) else None
        if not isinstance(given, list) or not given or len(given) > MOST_LIMITS:
            raise MalformedRequest(f"{plural}: give a list of 1 to {MOST_LIMITS} objects.")
        check_alone(body, plural)
        return [cls.read_body({cls.noun: one}) for one in given]


MOST_LIMITS = 1000
resource_name = name_of(255)
an_integer = between(-1, LARGEST_INT, f"give a whole number from -1 to {LARGEST_INT}")


class RegisteredBody(LimitBody):
    noun = "registered_limit"

    service_id = Member(id_of(Service, "service", missing=WrongValue), missing=NEEDED)
    region_id = Member(or_null(id_of(Region, "region", missing=WrongValue)))
    resource_name = Member(resource_name, missing=NEEDED)
    default_limit = Member(an_integer, missing=NEEDED)
    description = Member(or_null(short_text))


class NewLimit(LimitBody):
    noun = "limit"

    project_id = Member(or_null(id_of(Project, "project", missing=WrongValue)))
    domain_id = Member(or_null(id_of(Domain, "domain", missing=WrongValue)))
    service_id = Member(text, missing=NEEDED)
    region_id = Member(or_null(text))
    resource_name = Member(resource_name, missing=NEEDED)
    resource_limit = Member(an_integer, missing=NEEDED)
    description = Member(or_null(short_text))


class LimitChange(LimitBody):
    noun = "limit"

    resource_limit = Member(an_integer)
    description = Member(or_null(short_text))


class DomainBody(IdentityBody):
    noun = "domain"

    name = Member(name_of(64), missing=NEEDED)
    description = Member(short_text)
    enabled = Member(flag)
    tags = Member(tag_list)
    options = Member(immutable)


class ProjectBody(IdentityBody):
    noun = "project"
    changes_something = False

    domain_id = Member(or_null(filled(LONGEST_TEXT)))
    name = Member(name_of(64), missing=NEEDED)
    description = Member(text)
    enabled = Member(flag)
    parent_id = Member(or_null(text))
    is_domain = Member(or_null(flag))
    tags = Member(tag_list)
    options = Member(immutable)


class TagsBody(IdentityBody):
    """All tags of a project."""

    noun = "tags"
    rest = None

    tags = Member(tag_list, missing="give a list.")


class GroupBody(InDomain):
    noun = "group"

    name = Member(name_of(64), missing=NEEDED)
    description = Member(text)


class RoleBody(IdentityBody):
    noun = "role"

    name = Member(name_of(255), missing=NEEDED)
    description = Member(or_null(text))
    domain_id = Member(or_null(domain_id))
    options = Member(immutable)


class RegionBody(IdentityBody):
    noun = "region"

    id = Member(or_null(text_up_to(255)))
    description = Member(short_text)
    parent_region_id = Member(or_null(id_of(Region, "region")))


class ServiceBody(IdentityBody):
    noun = "service"

    type = Member(name_of(255), missing=NEEDED)
    name = Member(filled(255))
    description = Member(text)
    enabled = Member(flag)


def address(value: Any) -> str:
    if not isinstance(value, str) or not ADDRESS.match(value) or len(value) > LONGEST_ADDRESS:
        raise WrongValue("give a URL, or a path of this site.")
    for name in SUBSTITUTED.findall(value):
        if name not in KNOWN_IN_URLS:
            raise WrongValue(f"give only the names {', '.join(KNOWN_IN_URLS)} in brackets.")
    return value


ADDRESS = re.compile(r"^(?:[a-zA-Z0-9+.-]+:|/[^/])")
LONGEST_ADDRESS = 225


def interface(value: Any) -> str:
    if value not in INTERFACES:
        raise WrongValue(f"give one of {', '.join(INTERFACES)}.")
    return str(value)


class EndpointBody(IdentityBody):
    noun = "endpoint"

    service_id = Member(id_of(Service, "service", missing=WrongValue), missing=NEEDED)
    interface = Member(interface, missing=f"give one of {', '.join(INTERFACES)}.")
    url = Member(address, missing=NEEDED)
    region_id = Member(or_null(id_of(Region, "region", missing=WrongValue)))
    region = Member(or_null(text_up_to(255)))
    enabled = Member(flag)


def filters(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not set(value) <= set(FILTERS):
        raise WrongValue(f"give an object with {' or '.join(FILTERS)}.")
    read = {name: text_up_to(255)(one) for name, one in value.items()}
    if "interface" in read:
        interface(read["interface"])
    return read


class EndpointGroupBody(IdentityBody):
    noun = "endpoint_group"
    rest = None

    name = Member(name_of(255), missing=NEEDED)
    description = Member(or_null(text))
    filters = Member(filters, missing="give one of service_id, region_id and interface.")


class StoredCredentialBody(IdentityBody):
    noun = "credential"

    user_id = Member(id_of(User, "user", missing=WrongValue), missing=NEEDED)
    project_id = Member(or_null(id_of(Project, "project", missing=WrongValue)))
    type = Member(name_of(255), missing=NEEDED)
    blob = Member(filled(LONGEST_TEXT), missing=NEEDED)


class StoredCredentialChange(IdentityBody):
    """All but the blob stays."""

    noun = "credential"
    rest = None

    blob = Member(filled(LONGEST_TEXT), missing=NEEDED)


class PolicyBody(IdentityBody):
    noun = "policy"

    type = Member(name_of(255), missing=NEEDED)
    blob = Member(filled(LONGEST_TEXT), missing=NEEDED)


def config(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongValue("give an object.")
    try:
        check_keepable(value)
    except Unkeepable as error:
        raise WrongValue(f"{error}.") from None
    return value


class ConfigBody(IdentityBody):
    """Settings of a domain."""

    noun = ""
    rest = None

    config = Member(config, missing="give an object.")


class Ec2Body(IdentityBody):
    """The project of a new pair of keys."""

    noun = ""
    rest = None

    tenant_id = Member(id_of(Project, "project"), missing=NEEDED)


class OAuth2Form(IdentityBody):
    """The form by which a client of OAuth 2.0 asks for a token."""

    noun = ""
    rest = None

    grant_type = Member(short_text, missing=NEEDED)
    scope = Member(text)
    client_id = Member(short_text)
    client_secret = Member(text)


def password_or_none(value: Any) -> str | None:
    """``null`` means that the user cannot log in with a password."""
    return None if value is None else str(password_text(value))


class UserBody(InDomain):
    noun = "user"

    name = Member(name_of(255), missing=NEEDED)
    enabled = Member(flag)
    email = Member(text_up_to(254))
    password = Member(password_or_none, default=None)
    default_project_id = Member(anything)
    options = Member(user_options)

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


def asked_roles(given: Any) -> tuple[Role | None, tuple[str, ...]]:
    """The largest of the named roles of ``Role``, and the keys of the others."""
    if given is None or given == []:
        return None, ()
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise WrongValue("give a list of objects with id or name.")
    roles, others = [], []
    for entry in given:
        name, role_id = entry.get("name"), entry.get("id")
        role = ROLE_OF_ID.get(role_id) if isinstance(role_id, str) else None
        if role is None and name in list(Role):
            role = Role(name)
        if role is not None:
            roles.append(role)
        else:
            others.append(_other_role(name, role_id))
    return max(roles, key=list(Role).index, default=None), tuple(others)


def _other_role(name: Any, role_id: Any) -> str:
    texts = [text for text in (role_id, name) if isinstance(text, str) and "\0" not in text]
    word = texts[0] if texts else ""
    found = NamedRole.objects.filter(Q(pk=word) | Q(name=word, domain=None)).first()
    if found is None:
        raise WrongValue(f"there is no role {name or role_id!r}.")
    return found.key


def moment_of(given: Any) -> dt.datetime:
    """A time; without a zone it is UTC."""
    try:
        moment = parse_datetime(given) if isinstance(given, str) else None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        moment = moment and moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):  # not a time, or a time beyond the year 9999
        moment = None
    if moment is None:
        raise WrongValue("give a time such as 2030-01-31T12:00:00Z.")
    return moment


def coming_time(given: Any) -> dt.datetime | None:
    if given is None:
        return None
    moment = moment_of(given)
    if moment <= timezone.now():
        raise WrongValue("this time is over.")
    return moment


def asked_rules(given: Any) -> tuple[dict[str, str], ...] | None:
    """The kinds of requests that a credential is limited to; none: no limit."""
    if given is None or given == []:
        return None
    if not isinstance(given, list) or len(given) > MOST_RULES:
        raise WrongValue(f"give a list of at most {MOST_RULES} objects.")
    return tuple(_asked_rule(one) for one in given)


MOST_RULES = 1000


def _asked_rule(given: Any) -> dict[str, str]:
    """By its id, or by what it allows."""
    if not isinstance(given, dict) or not set(given) <= {"id", *MEMBERS}:
        raise WrongValue("give objects with id, or with service, method and path.")
    read = {name: name_of(64)(given[name]) for name in given if name != "path"}
    if set(read) == {"id"} and "path" not in given:
        return read
    if set(given) - {"id"} != set(MEMBERS):
        raise WrongValue("give service, method and path.")
    path = given["path"]
    if not isinstance(path, str) or not path.startswith("/") or len(path) > 225 or "\0" in path:
        raise WrongValue("path: give at most 225 characters that begin with /.")
    if read["method"] not in METHODS:
        raise WrongValue(f"method: give one of {', '.join(METHODS)}.")
    return {"service": read["service"], "method": read["method"], "path": path}


class CredentialCreate(IdentityBody):
    """An application credential; the project is that of the token, whatever the body says."""

    noun = "application_credential"

    name = Member(credential_name, missing=LENGTHS)
    description = Member(text, default="")
    secret = Member(text, default="")
    unrestricted = Member(true_or_nothing, default=False)
    roles = Member(asked_roles, default=(None, ()))
    expires_at = Member(coming_time, default=None)
    access_rules = Member(asked_rules, default=None)
    project_id = Member(anything)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of ``CredentialOrder``. Members of Keystone that are not kept here may be
        there if they say nothing.
        """
        surplus = sorted(name for name, value in attrs[EXTRA].items() if value not in (None, []))
        if surplus:
            raise ValidationError({surplus[0]: ["this is not supported."]})
        role, others = attrs.pop("roles", (None, ()))
        attrs |= {"role": role, "others": others}
        return {name: value for name, value in attrs.items() if name not in (EXTRA, "project_id")}


def role_names(given: Any) -> tuple[str, ...]:
    """The ids of roles that are named by id or by name.

    Raises:
        NoSuchThing: there is no such role.
    """
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise WrongValue("give a list of objects with id or name.")
    known = NamedRole.objects.values_list("pk", "name", "domain")
    ids = {key: key for key, _, _ in known}
    names = {name: key for key, name, domain in known if domain is None}
    found = []
    for entry in given:
        word = entry.get("id") or entry.get("name")
        if not isinstance(word, str) or "\0" in word:
            raise WrongValue("give a list of objects with id or name.")
        role = (ids if entry.get("id") else names).get(word)
        if role is None:
            raise NoSuchThing(f"There is no role {word[:60]}.")
        found.append(role)
    return tuple(dict.fromkeys(found))


class TrustBody(IdentityBody):
    noun = "trust"

    trustor_user_id = Member(name_of(64), missing=NEEDED)
    trustee_user_id = Member(name_of(64), missing=NEEDED)
    project_id = Member(id_of(Project, "project"), missing="give one: a trust is for a project.")
    impersonation = Member(flag, missing="give true or false.")
    roles = Member(role_names, default=())
    expires_at = Member(coming_time, default=None)
    remaining_uses = Member(
        or_null(between(1, LARGEST_INT, "give a positive whole number")), default=None
    )
    allow_redelegation = Member(true_or_nothing, default=False)
    redelegation_count = Member(
        or_null(between(0, LARGEST_INT, "give a whole number")), default=None
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of ``TrustOrder``. Members that nothing is kept of may say nothing."""
        surplus = sorted(name for name, value in attrs[EXTRA].items() if value is not None)
        if surplus:
            raise ValidationError({surplus[0]: ["is not known."]})
        del attrs[EXTRA]
        attrs["trustor_id"] = attrs.pop("trustor_user_id")
        attrs["trustee_id"] = attrs.pop("trustee_user_id")
        return attrs


class ConsumerBody(IdentityBody):
    """A program that uses OAuth; its secret is made here."""

    noun = "consumer"

    description = Member(or_null(short_text))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "secret" in attrs[EXTRA]:
            raise ValidationError({"secret": ["is made by the site, and stays."]})
        return super().validate(attrs)


def one_name_each(given: Any) -> tuple[str, ...]:
    """As ``role_names``; each role is named by its id or by its name."""
    if not isinstance(given, list) or not given:
        raise WrongValue("give a list of at least one object with id or name.")
    for entry in given:
        if not isinstance(entry, dict) or len(entry) != 1 or not set(entry) <= {"id", "name"}:
            raise WrongValue("give a list of objects with either id or name.")
    return role_names(given)


class AuthorizeBody(IdentityBody):
    """The roles with which a consumer may act."""

    noun = ""
    rest = None

    roles = Member(one_name_each, missing="give a list of at least one object with id or name.")


def texts(value: Any) -> dict[str, str]:
    """An object of texts; numbers are read as such."""
    if not isinstance(value, dict):
        raise WrongValue("give an object of texts.")
    read = {}
    for name, one in value.items():
        number = isinstance(one, int) and not isinstance(one, bool) and abs(one) <= LARGEST_INT
        if not number and not isinstance(one, str):
            raise WrongValue("give an object of texts.")
        read[sent_text(name)] = sent_text(str(one))
    return read


def sent_text(value: Any) -> str:
    read = str(text(value))
    if not is_utf8(read):
        raise WrongValue("give a text of whole characters.")
    return read


def what_was_signed(value: Any) -> str:
    if not value:
        raise WrongValue("give the base64 of what was signed.")
    return sent_text(value)


class SignedByKeys(IdentityBody):
    """What was signed with a pair of keys. Keystone has three names for it."""

    noun = "credentials"
    rest = None
    nouns: ClassVar = ("credentials", "credential", "ec2Credentials")

    access = Member(sent_text, default="")
    signature = Member(sent_text, default="")

    @classmethod
    def read_body(cls, body: Any, *, partial: bool = False) -> dict[str, Any]:
        """Raises: WrongSignature: the access key or the signature is missing."""
        given = body if isinstance(body, dict) else {}
        found = next((given[noun] for noun in cls.nouns if given.get(noun)), None)
        read = super().read_body({cls.noun: found}, partial=partial)
        if not read["access"] or not read["signature"]:
            raise WrongSignature("credentials: give access and signature.")
        return read


class SignedForEc2(SignedByKeys):
    params = Member(texts, default={})
    headers = Member(texts, default={})
    verb = Member(sent_text, default="")
    host = Member(sent_text, default="")
    path = Member(sent_text, default="")
    body_hash = Member(sent_text, default="")


class SignedForS3(SignedByKeys):
    token = Member(what_was_signed, missing="give the base64 of what was signed.")

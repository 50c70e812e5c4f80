"""Strict fields for texts: names, addresses, identifiers (docs/contract/create-request.md 3)."""

from __future__ import annotations

import binascii
import ipaddress
import re
import unicodedata
from typing import Any

from compute_site.api.microversions.fields import (
    Refused,
    Schema,
    StrictField,
    check_storable,
    wrong_type,
)
from compute_site.values.words import is_uuid

LAST_KNOWN_CHARACTER = 0xFFFE  # Nova's set of characters ends here


class Text(StrictField):
    """A text within limits; ``pattern`` must match all of it, ``means`` is that rule in words.

    ``stored=False``: the text is never stored in a column, so that any character is allowed.
    """

    format: str | None = None

    def __init__(
        self,
        shortest: int = 0,
        longest: int | None = None,
        *,
        pattern: str | None = None,
        means: str = "",
        stored: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.stored = stored
        self.shortest = shortest
        self.longest = longest
        self.pattern = re.compile(pattern) if pattern else None
        self.means = means or f"does not match {pattern}"

    def convert(self, value: Any) -> str:
        if type(value) is not str:
            raise wrong_type("a text", value)
        length = len(value)
        if length < self.shortest:
            few = "the text is empty" if not length else f"{length} characters are too few"
            raise Refused(f"{few}; give at least {self.shortest}", code="too_short")
        if self.longest is not None and length > self.longest:
            raise Refused(
                f"{length} characters are too many; give at most {self.longest}", code="too_long"
            )
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise Refused(f"{shorten(value)} {self.means}", code="pattern")
        if self.stored:
            check_storable(value)
        return self.accept(value)

    def accept(self, value: str) -> str:
        """The last check, after those of length and pattern; may raise ``Refused``."""
        return value

    def describe(self) -> Schema:
        schema: Schema = {"type": "string"}
        if self.shortest:
            schema["minLength"] = self.shortest
        if self.longest is not None:
            schema["maxLength"] = self.longest
        if self.pattern is not None:
            schema["pattern"] = f"^{self.pattern.pattern}$"
        if self.format is not None:
            schema["format"] = self.format
        return schema


def shorten(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "…")


def is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def is_printable(text: str) -> bool:
    """Are all characters printable, or spaces of any kind?"""
    if text.isascii():
        return text.isprintable()
    return all(
        ord(character) <= LAST_KNOWN_CHARACTER and (character.isprintable() or is_space(character))
        for character in text
    )


class Printable(Text):
    """A text of printable characters without line breaks."""

    described = r"^[^\x00-\x1f\x7f]*$"
    """For the schema: what a pattern can say of the rule."""

    def describe(self) -> Schema:
        return super().describe() | {"pattern": self.described}

    def accept(self, value: str) -> str:
        if not is_printable(value):
            raise Refused(f"{shorten(value)} holds a character that cannot be printed", code="name")
        return value


class Name(Printable):
    """1 to 255 printable characters without a space at either end."""

    format = "name"
    described = r"^\S(.*\S)?$"

    def __init__(self, longest: int = 255, **options: Any) -> None:
        super().__init__(1, longest, **options)

    def accept(self, value: str) -> str:
        super().accept(value)
        if is_space(value[0]) or is_space(value[-1]):
            raise Refused(f"{shorten(value)} begins or ends with a space", code="name")
        return value


class LooseName(Name):
    """A name that may have spaces at its ends, but does not consist of them (``/v2``)."""

    format = "name_with_outer_spaces"
    described = r"\S"

    def accept(self, value: str) -> str:
        Printable.accept(self, value)
        if all(map(is_space, value)):
            raise Refused("the name holds nothing but spaces", code="name")
        return value


def _check_zone_name(value: str) -> str:
    if ":" in value:
        raise Refused(f"{shorten(value)} holds a colon", code="name")
    return value


class ZoneName(Name):
    """A name without colons."""

    format = "az_name"

    def accept(self, value: str) -> str:
        return _check_zone_name(super().accept(value))


class LooseZoneName(LooseName):
    """The same with spaces at its ends (``/v2``)."""

    format = "az_name_with_outer_spaces"

    def accept(self, value: str) -> str:
        return _check_zone_name(super().accept(value))


class Uuid(Text):
    """A UUID in any of its spellings; it stays as the client wrote it."""

    format = "uuid"

    def __init__(self, *, empty: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.empty = empty

    def convert(self, value: Any) -> str:
        if type(value) is not str:
            raise wrong_type("a UUID", value)
        if is_uuid(value) or (self.empty and not value):
            return value
        raise Refused(f"{shorten(value)} is not a UUID", code="uuid")

    def describe(self) -> Schema:
        schema: Schema = {"type": "string", "format": "uuid"}
        return {"anyOf": [schema, {"type": "string", "maxLength": 0}]} if self.empty else schema


class Ipv4(Text):
    """An IPv4 address."""

    format = "ipv4"

    def accept(self, value: str) -> str:
        if not is_ipv4(value):
            raise Refused(f"{shorten(value)} is not an IPv4 address", code="ip")
        return value


class Ipv6(Text):
    """An IPv6 address without a zone."""

    format = "ipv6"

    def accept(self, value: str) -> str:
        if not is_ipv6(value):
            raise Refused(f"{shorten(value)} is not an IPv6 address", code="ip")
        return value


class Ip(Text):
    """An IPv4 or IPv6 address."""

    def accept(self, value: str) -> str:
        if not is_ipv4(value) and not is_ipv6(value):
            raise Refused(f"{shorten(value)} is not an IP address", code="ip")
        return value

    def describe(self) -> Schema:
        return {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}


def is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


class Tag(Text):
    """1 to 60 characters without comma and slash."""

    def __init__(self, **options: Any) -> None:
        super().__init__(1, 60, pattern=r"[^,/]*", means="holds a comma or a slash", **options)


class Label(Text):
    """One label of a host name: 2 to 63 letters, digits and inner hyphens."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            2,
            63,
            pattern=r"[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]",
            means="is not a host name of letters, digits and inner hyphens",
            **options,
        )


class Fqdn(Text):
    """1 to 255 letters, digits, dots, hyphens and underscores."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            1,
            255,
            pattern=r"[a-zA-Z0-9._-]*",
            means="is not a host name of letters, digits, dots, hyphens and underscores",
            **options,
        )


class Base64(Text):
    """A text that decodes as base64; it stays encoded. Characters outside the alphabet are
    skipped, as Nova does.
    """

    format = "base64"

    def accept(self, value: str) -> str:
        try:
            binascii.a2b_base64(value)
        except ValueError:
            raise Refused("the text is not base64", code="base64") from None
        return value

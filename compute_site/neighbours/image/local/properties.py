"""What an image may have of properties and tags, whoever sets them: the image API, compute for the
image of a server, the admin, or a cloud file. The limits are Glance's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from compute_site.faults import BadRequest, Fault
from compute_site.values.keys import (
    LARGEST_INT,
    WrongValue,
    filled_line,
    line,
    list_of,
    mapping,
    shown,
    up_to,
)

LARGEST_PROPERTIES = 65535
"""Characters that the names and values of all properties of an image take together."""
read_property = up_to(LARGEST_PROPERTIES)
_read_tags = list_of(line, most=LARGEST_INT)


class TooMuchOnImage(Fault):
    """An image cannot have so many properties or tags, or such long ones."""

    status = 413
    code = "too_much_on_image"


def check_properties(properties: Mapping[str, Any]) -> dict[str, str]:
    """The properties, if an image can have them.

    Raises:
        TooMuchOnImage: they are too many, or too long together.
        BadRequest: one of them is no text, or too long.
    """
    _check_count("properties", len(properties), settings.OPTIONS.image_property_quota)
    for key, value in properties.items():
        try:
            filled_line(key)
            read_property(value)
        except WrongValue as error:
            raise BadRequest(f"The property {shown(key)}: {error}", field=key[:255]) from None
    if sum(len(key) + len(value) for key, value in properties.items()) > LARGEST_PROPERTIES:
        raise TooMuchOnImage(
            f"The properties of an image take at most {LARGEST_PROPERTIES} characters together."
        )
    return dict(properties)


def check_tags(tags: list[str]) -> list[str]:
    """The tags, each once, if an image can have so many.

    Raises:
        TooMuchOnImage: it cannot.
    """
    unique = list(dict.fromkeys(tags))
    _check_count("tags", len(unique), settings.OPTIONS.image_tag_quota)
    return unique


def read_tag(value: str) -> str:
    """Raises: BadRequest: it is empty or too long."""
    try:
        return str(filled_line(value))
    except WrongValue as error:
        raise BadRequest(f"The tag: {error}", field="tag") from None


def read_properties(value: Any) -> dict[str, str]:
    """The properties of a form or file; raises as ``check_properties``, and ``WrongValue``."""
    return check_properties(mapping(value))


def read_tags(value: Any) -> list[str]:
    """The tags of a form or file; raises as ``check_tags``, and ``WrongValue``."""
    return check_tags(_read_tags(value))


def _check_count(noun: str, count: int, most: int) -> None:
    """Raises ``TooMuchOnImage`` if the count is over the limit; a negative one means no limit."""
    if 0 <= most < count:
        raise TooMuchOnImage(f"{count} {noun} are too many for an image; give at most {most}.")

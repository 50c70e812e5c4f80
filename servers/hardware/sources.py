"""Reads extra specs of the flavor and properties of the image, and combines the pairs of both
(docs/contract/create-flow.md I1).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from servers.hardware.errors import FlavorImageClash, WrongExtraSpec, WrongImageProperty
from servers.hardware.properties import ImageProperties
from servers.hardware.values import flag, word

Value = TypeVar("Value")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlavorHardware:
    """What these rules need of a flavor."""

    vcpus: int
    memory_mb: int
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def cpus(self) -> frozenset[int]:
        """The numbers of all CPUs of the server."""
        return frozenset(range(self.vcpus))


def twin(image: ImageProperties, key: str) -> Any:
    """The value of the image property that pairs with the extra spec ``key``."""
    return getattr(image, key.replace(":", "_"))


def read_spec(flavor: FlavorHardware, key: str, reader: Callable[[str], Value]) -> Value | None:
    """The extra spec as ``reader`` understands it; ``None`` where it is absent.

    Raises:
        WrongExtraSpec: the reader refused it.
    """
    value = flavor.extra_specs.get(key)
    if value is None:
        return None
    try:
        return reader(value)
    except ValueError as error:
        raise WrongExtraSpec(f"The flavor's extra spec {key} is {value!r}: {error}.") from error


def read_word(flavor: FlavorHardware, key: str, allowed: str) -> str | None:
    """The extra spec, one of the words ``allowed``; a blank one counts as absent."""
    return read_spec(flavor, key, word(allowed)) if flavor.extra_specs.get(key) else None


def read_property(name: str, value: str, reader: Callable[[str], Value]) -> Value:
    """Read an image property that ``ImageProperties`` has as a text.

    Raises:
        WrongImageProperty: the reader refused it.
    """
    try:
        return reader(value)
    except ValueError as error:
        raise WrongImageProperty(f"The image property {name} is {value!r}: {error}.") from error


def agree_on_flag(flavor: FlavorHardware, image: ImageProperties, key: str) -> bool | None:
    """The boolean that flavor and image ask for; ``None`` where neither says anything.

    Raises:
        FlavorImageClash: one says yes and the other no.
    """
    asked = read_spec(flavor, key, flag)
    wanted: bool | None = twin(image, key)
    if asked is None or wanted is None:
        return wanted if asked is None else asked
    if asked != wanted:
        raise clash(key, flavor.extra_specs[key], wanted)
    return asked


def agree_on_word(
    flavor: FlavorHardware, image: ImageProperties, key: str, allowed: str
) -> str | None:
    """The word that flavor and image ask for; a blank one counts as absent.

    Raises:
        FlavorImageClash: they name different words.
        WrongExtraSpec: the flavor's word is not among those ``allowed``.
    """
    asked = flavor.extra_specs.get(key)
    wanted: str | None = twin(image, key)
    if asked and wanted and asked != wanted:
        raise clash(key, asked, wanted)
    return read_word(flavor, key, allowed) or wanted


def clash(key: str, asked: object, wanted: object) -> FlavorImageClash:
    """The fault for an extra spec and an image property that must agree and do not."""
    return FlavorImageClash(
        f"The flavor's extra spec {key} is {asked!r} but the image property"
        f" {key.replace(':', '_')} is {wanted!r}; use a flavor and an image that agree."
    )


def set_twice(key: str) -> FlavorImageClash:
    """The fault for an extra spec and an image property of which only one may be set."""
    return FlavorImageClash(
        f"Both the flavor's extra spec {key} and the image property {key.replace(':', '_')} are"
        " set; only one of them may."
    )

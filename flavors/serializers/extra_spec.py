"""``/flavors/{flavor_id}/os-extra_specs``: bodies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from compute_site.api.microversions.containers import MapOf
from compute_site.api.microversions.fields import (
    Refused,
    Schema,
    StrictField,
    check_storable,
    wrong_type,
)
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import Microversion
from compute_site.faults import FieldFault
from flavors.errors import ExtraSpecMismatch
from flavors.extra_specs import LONGEST_VALUE, NAME, NAME_MEANS, check_extra_specs

STRICT_SINCE = Microversion.parse("2.86")
SCHEMA: Schema = {"type": ["string", "number"], "maxLength": LONGEST_VALUE}


class SpecValue(StrictField):
    """A text of at most 255 characters, or a number, which is kept as text."""

    def convert(self, value: Any) -> Any:
        if type(value) not in (str, int, float):
            raise wrong_type("a text or a number", value)
        length = len(str(value))
        if length > LONGEST_VALUE:
            raise Refused(
                f"{length} characters are too many; give at most {LONGEST_VALUE}", code="too_long"
            )
        check_storable(str(value))
        return value

    def describe(self) -> Schema:
        return SCHEMA


@dataclasses.dataclass(frozen=True, slots=True)
class SpecOrder:
    """Extra specs to set. ``sent`` are the values of the client, numbers as numbers.

    ``strict``: the values of known names are checked.
    """

    sent: Mapping[str, Any]
    strict: bool

    @property
    def specs(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.sent.items()}

    def check(self, *, named: str | None = None) -> None:
        """Check the values, and that the body has the extra spec that the URL names.

        Raises:
            UnknownExtraSpec: a name means nothing in a namespace of compute.
            WrongExtraSpec: a value is not what its name takes.
            ExtraSpecMismatch: the body has another one than the URL names.
        """
        if self.strict:
            check_extra_specs(self.specs)
        if named is not None and named not in self.sent:
            raise ExtraSpecMismatch(f"The URL names {named}, but the body sets another extra spec.")


SPECS = MapOf(SpecValue(), keys=NAME, means=NAME_MEANS)


class SpecsCreate(VersionedSerializer):
    """``POST …/os-extra_specs``"""

    extra_specs = MapOf(SpecValue(), keys=NAME, means=NAME_MEANS, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> SpecOrder:
        return SpecOrder(values["extra_specs"], strict=version >= STRICT_SINCE)


class SpecUpdate(VersionedSerializer):
    """``PUT …/os-extra_specs/{name}``: one key, which is the name."""

    unknown = "keep"

    def build(self, values: dict[str, Any], version: Microversion) -> SpecOrder:
        if len(values) != 1:
            raise Refused(f"give one extra spec, not {len(values)}", code="count")
        faults: list[FieldFault] = []
        sent = SPECS.reader(version)(values, "", faults)
        for fault in faults:
            raise Refused(fault.detail, code=fault.code, field=fault.field.lstrip("."))
        return SpecOrder(sent, strict=version >= STRICT_SINCE)

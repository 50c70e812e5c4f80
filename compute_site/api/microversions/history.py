"""Describes in one line how a key changed between microversions.

``History({"2.90": Label(), "2.94": Fqdn()})`` is a label from 2.90 to 2.93 and a dotted name from
2.94 on; ``None`` removes the key. ``"2.0"`` is the old-compatible ``/v2``, which otherwise has the
keys of 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.serializers import Field

from compute_site.api.microversions.version import LEGACY, OLDEST, Microversion


class History(Field):  # type: ignore[type-arg]
    """The forms of a key by the version from which each is in force.

    Options such as ``key`` and ``required`` belong to the forms.
    """

    def __init__(self, forms: Mapping[str, Field[Any, Any, Any, Any] | None]) -> None:
        super().__init__(required=False)
        self.forms: dict[Microversion, Any] = {
            Microversion.parse(text): form for text, form in forms.items()
        }
        if list(self.forms) != sorted(self.forms):
            raise ValueError(f"the versions of a history ascend: {', '.join(forms)}")

    def at(self, version: Microversion) -> Any:
        """The form that is in force at a version; ``None`` where the key is unknown."""
        if version == LEGACY and LEGACY not in self.forms:
            version = OLDEST
        found = None
        for start, form in self.forms.items():
            if start <= version and (start != LEGACY or version == LEGACY):
                found = form
        return found


def form_at(field: Any, version: Microversion) -> Any:
    """The field itself, or the form of its history at the version."""
    return field.at(version) if isinstance(field, History) else field


def edges(field: Any) -> list[Microversion]:
    """The versions at which a field changes."""
    if not isinstance(field, History):
        return []
    return [start for start in field.forms if start > OLDEST]


def when_in_force(field: History, version: Microversion) -> str:
    """The sentence for a client that tells in which versions the key exists."""
    later = [start for start, form in field.forms.items() if form is not None and start > version]
    if later:
        return f"needs microversion {later[0]} or later; asked for {_shown(version)}"
    ends = [start for start, form in field.forms.items() if form is None and start <= version]
    last = Microversion(ends[-1].major, ends[-1].minor - 1)
    return f"went away after microversion {last}; asked for {_shown(version)}"


def _shown(version: Microversion) -> str:
    return "the old /v2" if version == LEGACY else str(version)


def all_forms(field: Any) -> Iterable[Any]:
    """Every form that a field ever had."""
    return (
        [form for form in field.forms.values() if form] if isinstance(field, History) else [field]
    )

"""The form of pages with limits in the admin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from compute_site.values.keys import LARGEST_INT

UNLIMITED = -1


def limit_field(**options: Any) -> forms.IntegerField:
    """A field for a limit; −1 means no limit."""
    return forms.IntegerField(min_value=UNLIMITED, max_value=LARGEST_INT, **options)


class LimitsForm(forms.Form):
    """One limit for each resource; where it is empty, that of the next wider scope applies."""

    def __init__(
        self, resources: Iterable[str], own: Mapping[str, int], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.own = own
        for resource in resources:
            self.fields[resource] = limit_field(required=False, initial=own.get(resource))

    @property
    def limits(self) -> dict[str, int]:
        """The limits that were set or changed in the form."""
        return {
            resource: limit
            for resource, limit in self.cleaned_data.items()
            if limit is not None and limit != self.own.get(resource)
        }

    @property
    def cleared(self) -> list[str]:
        """The resources whose limit was removed in the form."""
        return [
            resource
            for resource, limit in self.cleaned_data.items()
            if limit is None and resource in self.own
        ]


def shown_limit(limit: int) -> str:
    return "no limit" if limit == UNLIMITED else str(limit)

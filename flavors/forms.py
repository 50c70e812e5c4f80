"""The form of a flavor in the admin: extra specs are rows of name and value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator

from compute_site.faults import Fault
from flavors.explained import explain
from flavors.extra_specs import LONGEST_VALUE, NAME, NAME_MEANS, check_extra_specs
from flavors.models import Flavor

EMPTY_ROWS = 3
SMALLEST = {"vcpus": 1, "memory_mb": 1}
Rows = list[tuple[str, str]]


class ExtraSpecsWidget(forms.Widget):
    """One row of two inputs for each extra spec, and empty ones below."""

    template_name = "flavors/extra_specs.html"

    class Media:
        css = {"all": ["flavors/extra_specs.css"]}
        js = ["flavors/extra_specs.js"]

    def format_value(self, value: Any) -> Rows:
        return list(value.items()) if isinstance(value, Mapping) else list(value or [])

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["rows"] = self.format_value(value) + [("", "")] * EMPTY_ROWS
        context["widget"]["known"] = explain()
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Rows:
        names, values = data.getlist(f"{name}-name"), data.getlist(f"{name}-value")
        return [row for row in zip(names, values, strict=False) if any(row)]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def id_for_label(self, id_: str) -> str:
        return ""


class ExtraSpecsField(forms.Field):
    """Converts the rows to a mapping; checks names and values as the API does."""

    widget = ExtraSpecsWidget

    def to_python(self, value: Any) -> Rows:
        return [(name.strip(), text.strip()) for name, text in value or []]

    def clean(self, value: Rows) -> dict[str, str]:
        rows = self.to_python(value)
        specs = dict(rows)
        faults = [fault for name, text in specs.items() for fault in _faults(name, text)]
        if len(specs) < len(rows):
            faults.append("A name stands twice.")
        if faults:
            raise ValidationError(faults)
        return specs

    def has_changed(self, initial: Any, data: Any) -> bool:
        return dict(initial or {}) != dict(self.to_python(data))


def _faults(name: str, value: str) -> list[str]:
    if not re.fullmatch(NAME, name):
        return [f"{name!r} {NAME_MEANS}"]
    if len(value) > LONGEST_VALUE:
        return [f"The value of {name} has more than {LONGEST_VALUE} characters."]
    try:
        check_extra_specs({name: value})
    except Fault as fault:
        return [fault.detail]
    return []


class FlavorForm(forms.ModelForm):  # type: ignore[type-arg]
    """A flavor; a missing id is generated."""

    extra_specs = ExtraSpecsField(
        required=False,
        help_text="The values of known names are checked as the API checks them; names without "
        "one of compute's prefixes are your own.",
    )

    class Meta:
        model = Flavor
        fields = (
            "flavorid",
            "name",
            "description",
            "vcpus",
            "memory_mb",
            "root_gb",
            "ephemeral_gb",
            "swap",
            "rxtx_factor",
            "is_public",
            "disabled",
            "extra_specs",
        )
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "flavorid" in self.fields:
            self.fields["flavorid"].required = False
            self.fields["flavorid"].help_text = "Empty: one is made up."
        for name, smallest in SMALLEST.items():
            if name in self.fields:
                self.fields[name].validators.append(MinValueValidator(smallest))
                self.fields[name].widget.attrs["min"] = smallest

    def clean_flavorid(self) -> str | None:
        # None and not "": the column is unique, and "" could be there only once
        return self.cleaned_data["flavorid"] or None

    def clean_description(self) -> str | None:
        return self.cleaned_data["description"] or None

    def clean_rxtx_factor(self) -> float:
        factor: float = self.cleaned_data["rxtx_factor"]
        if factor <= 0:
            raise ValidationError("Give a number greater than 0.")
        return factor

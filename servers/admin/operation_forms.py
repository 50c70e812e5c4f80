"""What operations on servers ask for. Flavors and images are given by name or id; the page suggests
names.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse_lazy

from compute_site.console.lists import read_uuid
from compute_site.neighbours.image.models import Image
from flavors.models import Flavor

MOST_CHARACTERS = 255


class NamedField(forms.CharField):
    """The name or id of something, of a kind of which names are suggested; its value is the id.
    What is not found by name is taken for an id, which the function refuses if it is none.
    """

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(max_length=MOST_CHARACTERS, **options)
        url = reverse_lazy("admin:suggest")
        self.widget.attrs |= {"data-suggest": kind, "data-suggest-url": url}

    def find_ids(self, word: str) -> list[str]:
        """The ids of those with this name."""
        raise NotImplementedError

    def clean(self, value: Any) -> str:
        word = str(super().clean(value)).strip()
        found = self.find_ids(word) if word else []
        if len(found) > 1:
            raise ValidationError(f"Several bear the name {word}; give an id: {', '.join(found)}.")
        return found[0] if found else word


class FlavorField(NamedField):
    def find_ids(self, word: str) -> list[str]:
        return list(Flavor.objects.filter(name=word).values_list("flavorid", flat=True))


class ImageField(NamedField):
    def find_ids(self, word: str) -> list[str]:
        if read_uuid(word) is not None:
            return []
        named: QuerySet[Image] = Image.objects.filter(name=word).order_by("pk")
        return [str(key) for key in named.values_list("pk", flat=True)[:10]]

    def clean(self, value: Any) -> str:
        word = super().clean(value)
        if word and read_uuid(word) is None:
            raise ValidationError(f"There is no image {word}.")
        return word


class LockForm(forms.Form):
    reason = forms.CharField(
        required=False,
        max_length=MOST_CHARACTERS,
        help_text="Shown to whoever looks at the server.",
    )


class HostForm(forms.Form):
    host = forms.CharField(
        required=False, max_length=MOST_CHARACTERS, help_text="Empty: the best host there is."
    )


class RebootForm(forms.Form):
    kind = forms.ChoiceField(
        choices=(("soft", "soft: the guest shuts down by itself"), ("hard", "hard")),
        initial="soft",
    )


class FlavorForm(forms.Form):
    flavor = FlavorField("flavor", help_text="Name or id of the new flavor.")


class RebuildForm(forms.Form):
    image = ImageField(
        "image", required=False, help_text="Name or id. Empty: the image that it has now."
    )
    volumes = forms.BooleanField(
        required=False,
        label="also a root disk that is a volume",
        help_text="Another image is written over the volume.",
    )


class RescueForm(forms.Form):
    image = ImageField(
        "image", required=False, help_text="Name or id. Empty: the image that it was made of."
    )

"""docs/microversions.md is what the serializers say."""

from __future__ import annotations

from django.conf import settings

from compute_site.api.microversions.catalogue import CATALOGUE
from compute_site.api.microversions.document import write_document
from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.api.openapi import find_operations


def test_every_version_has_a_line() -> None:
    every = [Microversion(2, minor) for minor in range(OLDEST.minor, NEWEST.minor + 1)]
    assert list(CATALOGUE) == every


def test_the_document_is_up_to_date() -> None:
    """If it is not: manage.py write_microversions."""
    written = (settings.BASE_DIR / "docs" / "microversions.md").read_text(encoding="utf-8")
    assert written == write_document(find_operations())

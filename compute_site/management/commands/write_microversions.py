"""``manage.py write_microversions``: writes docs/microversions.md from the serializers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from compute_site.api.microversions.document import write_document
from compute_site.api.openapi import find_operations


class Command(BaseCommand):
    """See the module's description."""

    help = "Write docs/microversions.md from the catalogue and the serializers."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "microversions.md"
        path.write_text(write_document(find_operations()), encoding="utf-8")
        self.stdout.write(f"written: {path}")

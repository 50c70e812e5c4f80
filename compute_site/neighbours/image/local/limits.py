"""The quotas of the image service."""

from __future__ import annotations

from django.db.models import F, Sum

from compute_site.neighbours.image.models import Image, Quota
from compute_site.neighbours.image.protocol import ImageQuotaReached
from compute_site.neighbours.quotas import Kind, Part, Quotas

SIZE_TOTAL = "image_size_total"
MEBIBYTE = 1 << 20

QUOTAS = Quotas(
    Quota.objects,
    (
        Kind(
            name="image_count_total",
            plural="images",
            error=ImageQuotaReached,
            parts=(Part(rows=Image.objects.all(), owner="owner"),),
        ),
        Kind(
            name=SIZE_TOTAL,
            plural="image_mebibytes",
            error=ImageQuotaReached,
            parts=(
                Part(
                    rows=Image.objects.filter(stored=True),
                    owner="owner",
                    measure=Sum((F("size") + MEBIBYTE - 1) / MEBIBYTE),
                ),
            ),
        ),
    ),
)

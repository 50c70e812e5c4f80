"""The quota of the image service."""

from __future__ import annotations

from compute_site.neighbours.image.models import Image, Quota
from compute_site.neighbours.image.protocol import ImageQuotaReached
from compute_site.neighbours.quotas import Kind, Part, Quotas

QUOTAS = Quotas(
    Quota.objects,
    (
        Kind(
            name="image_count_total",
            plural="images",
            error=ImageQuotaReached,
            parts=(Part(rows=Image.objects.all(), owner="owner"),),
        ),
    ),
)

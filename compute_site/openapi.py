"""The OpenAPI documents, one a microversion."""

from __future__ import annotations

from drf_spectacular.openapi import AutoSchema


class ComputeSchema(AutoSchema):
    """Describes a view of the compute API at one microversion."""

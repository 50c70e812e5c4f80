"""The policy rules of flavors."""

from __future__ import annotations

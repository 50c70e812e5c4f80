"""The policy rules of quotas."""

from __future__ import annotations

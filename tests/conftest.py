"""Fixtures for all tests: the fixed cast, and a client that speaks for one of it."""

from __future__ import annotations

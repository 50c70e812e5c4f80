"""Why the embedded server cannot be started."""

from __future__ import annotations


class StartError(Exception):
    """The text says why, and what to do."""

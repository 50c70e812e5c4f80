"""Endings of URLs that mean nothing, which some of OpenStack's services let clients write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RegexPattern


class EndingPattern(RegexPattern):
    """A pattern before other ones. It leaves them the path without what it ends in: slashes,
    and before them one of ``suffixes``.
    """

    def __init__(self, regex: str, suffixes: Sequence[str]) -> None:
        super().__init__(regex, is_endpoint=False)
        self.suffixes = tuple(suffixes)

    def match(self, path: str) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
        found = super().match(path)
        if found is None:
            return None
        rest, args, kwargs = found
        rest = rest.rstrip("/")
        for suffix in self.suffixes:
            rest = rest.removesuffix(suffix)
        return rest, args, kwargs


def without_endings(
    regex: str, below: Sequence[URLPattern | URLResolver], *suffixes: str
) -> URLResolver:
    """As ``re_path(regex, include(below))``; the URLs below may end in slashes and ``suffixes``."""
    return URLResolver(EndingPattern(regex, suffixes), list(below))

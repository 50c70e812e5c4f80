"""The parts that the page of a server is made of: lists of facts, and tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from django.utils.html import format_html

from servers.admin.display import NOTHING


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """With ``headers`` it is a table; without, each line is a name and a value."""

    title: str
    headers: Sequence[str] = ()
    lines: Sequence[Sequence[object]]
    empty: str = ""

    @property
    def is_wide(self) -> bool:
        return bool(self.headers)

    @staticmethod
    def folded(text: str) -> str:
        """A long text behind a click."""
        if not text:
            return NOTHING
        return format_html(
            '<details><summary>show</summary><pre class="mono">{}</pre></details>', text
        )


def facts(title: str, values: Mapping[str, object], *, empty: str = "") -> Part:
    return Part(title=title, lines=list(values.items()), empty=empty)


def known_facts(title: str, values: Mapping[str, object]) -> Part:
    """Only what there is; of these most are empty."""
    lines = [(name, value) for name, value in values.items() if value != NOTHING]
    return Part(title=title, lines=lines, empty="Nothing.")


def rows(
    title: str, headers: Sequence[str], lines: Iterable[Sequence[object]], *, empty: str
) -> Part:
    return Part(title=title, headers=headers, lines=list(lines), empty=empty)

"""The error of a wrong cloud file."""

from __future__ import annotations

from collections.abc import Sequence


class CloudFileError(Exception):
    """The file has faults; each problem names section, entry and key."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)

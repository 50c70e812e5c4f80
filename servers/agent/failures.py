"""What cannot be done on a host."""

from __future__ import annotations


class GuestFailed(Exception):
    """It could not be done; the text tells the user why, ``code`` tells programs."""

    def __init__(self, text: str, code: str = "failed") -> None:
        super().__init__(text)
        self.code = code

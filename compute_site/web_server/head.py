"""Reads request line and headers strictly, as RFC 9112 has them: what two programs on the way could
read in two ways is refused.
"""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import unquote_to_bytes

from compute_site.web_server.refusals import (
    HeadersTooLarge,
    Malformed,
    UnknownCoding,
    UnknownExpectation,
    UnknownVersion,
    UrlTooLong,
)

TARGET_LIMIT = 8190
HEADER_LIMIT = 16 * 1024
MOST_HEADERS = 100

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) ([^\x00-\x20\x7f]+) HTTP/([0-9]\.[0-9])")
HEADERS = re.compile(rb"(?:" + TOKEN + rb":[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
"""Without lines that go on in the next, and without spaces before the colon."""
LENGTH = re.compile(r"[0-9]{1,18}")
ABSOLUTE = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
ONLY_ONCE = ("HOST", "CONTENT_TYPE", "CONTENT_LENGTH", "TRANSFER_ENCODING", "EXPECT")
WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """``values`` are headers by their names in WSGI, without ``HTTP_``; texts are bytes as Latin-1,
    as WSGI has it.
    """

    method: str
    target: str
    version: str
    values: dict[str, str]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """For gunicorn's log."""
        return [(name.replace("_", "-"), value) for name, value in self.values.items()]

    @property
    def path(self) -> str:
        """Without percent signs. Of a whole URL only the path counts, and ``*`` is the root."""
        path = ABSOLUTE.sub("", self.target, count=1).partition("#")[0].partition("?")[0]
        if "%" in path:
            path = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
        return "/" if path in ("", "*") else path

    @property
    def query(self) -> str:
        return self.target.partition("#")[0].partition("?")[2]

    @property
    def length(self) -> int:
        return int(self.values.get("CONTENT_LENGTH", "0"))

    @property
    def is_chunked(self) -> bool:
        return "TRANSFER_ENCODING" in self.values

    @property
    def expects_continue(self) -> bool:
        return "EXPECT" in self.values and self.version != "1.0"

    @property
    def keeps_connection(self) -> bool:
        words = [word.strip() for word in self.values.get("CONNECTION", "").lower().split(",")]
        return "close" not in words and (self.version != "1.0" or "keep-alive" in words)


def read_head(lines: bytes) -> Head:
    """``lines`` end with the line break of the last header.

    Raises:
        Refused: they are no head of a request, or one that says different things at once.
    """
    first, _, rest = lines.partition(b"\r\n")
    line = REQUEST_LINE.fullmatch(first)
    if line is None:
        raise Malformed("The first line is no method, URL and version of HTTP.")
    method, target, version = (part.decode("latin-1") for part in line.groups())
    if version not in ("1.0", "1.1"):
        raise UnknownVersion("Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    if len(target) > TARGET_LIMIT:
        raise UrlTooLong(f"The URL is too long; at most {TARGET_LIMIT} bytes are read.")
    is_url = (
        target.startswith("/") or ABSOLUTE.match(target) or (method, target) == ("OPTIONS", "*")
    )
    if not is_url:
        raise Malformed("The URL begins with neither a slash nor http://.")
    head = Head(method, target, version, _read_headers(rest))
    _check_framing(head)
    return head


def _read_headers(lines: bytes) -> dict[str, str]:
    if not HEADERS.fullmatch(lines):
        raise Malformed("A header is malformed.")
    values: dict[str, str] = {}
    found = lines.decode("latin-1").split("\r\n")[:-1]
    if len(found) > MOST_HEADERS or max(map(len, found), default=0) > HEADER_LIMIT:
        raise HeadersTooLarge(f"At most {MOST_HEADERS} headers of {HEADER_LIMIT} bytes are read.")
    for line in found:
        name, _, value = line.partition(":")
        value = value.strip(" \t")
        if "_" in name:
            continue  # WSGI could not tell it from the one with a hyphen
        key = name.upper().replace("-", "_")
        if key not in values:
            values[key] = value
        elif key in ONLY_ONCE:
            raise Malformed(f"The header {name} stands there twice.")
        else:
            values[key] += f",{value}"
    return values


def _check_framing(head: Head) -> None:
    """Can there be no doubt where the body ends?"""
    length = head.values.get("CONTENT_LENGTH")
    coding = head.values.get("TRANSFER_ENCODING")
    if length is not None and not LENGTH.fullmatch(length):
        raise Malformed("Content-Length is no number.")
    if coding is not None and coding.lower() != "chunked":
        raise UnknownCoding("Of transfer codings, only chunked is known.")
    if coding is not None and (length is not None or head.version == "1.0"):
        raise Malformed("Transfer-Encoding goes with neither Content-Length nor HTTP/1.0.")
    if head.values.get("EXPECT", "100-continue").lower() != "100-continue":
        raise UnknownExpectation("Only 100-continue can be expected.")

"""Speaks to the site: the API of hosts, by HTTP."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from servers.agent.settings import Identity

TIMEOUT_SECONDS = 40.0
DATA_SECONDS = 600.0
"""How long the site may take to answer when it has got data, which it checks and makes durable."""
LONGEST_TEXT = 300


class SiteFailed(Exception):
    """The site could not be asked, or refuses; ``status`` is 0 where it did not answer."""

    def __init__(self, text: str, status: int = 0, code: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.code = code

    @property
    def is_fence(self) -> bool:
        """Must the host ask what has left it?"""
        return self.status == 410

    @property
    def may_pass(self) -> bool:
        """Is it worth to ask again?"""
        return self.status in {0, 429} or self.status >= 500


class Client:
    """``identity`` may change while threads ask."""

    def __init__(
        self, site: str, identity: Identity | None = None, *, ca_file: str | None = None
    ) -> None:
        self.site = site.rstrip("/")
        self.identity = identity
        self.context = ssl.create_default_context(cafile=ca_file)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("POST", path, json.dumps(body).encode())

    def get(self, path: str) -> Any:
        """The JSON answer; ``None``: there is none."""
        return self._ask("GET", path)

    def open(self, path: str, *, begin: int = 0) -> BinaryIO:
        """Data from this byte on.

        Raises:
            SiteFailed: also where the site sends them from the beginning.
        """
        headers = {"Range": f"bytes={begin}-"} if begin else {}
        response = self._open("GET", path, None, headers)
        if begin and response.status != 206:
            response.close()
            raise SiteFailed("The site does not send parts of data.", 200)
        return cast("BinaryIO", response)

    def put_file(self, path: str, file: Path) -> Any:
        """Send what is in the file."""
        size = file.stat().st_size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with file.open("rb") as data:
            return _read(self._open("PUT", path, data, headers, seconds=DATA_SECONDS))

    def _ask(self, method: str, path: str, data: bytes | None = None) -> Any:
        headers = {} if data is None else {"Content-Type": "application/json"}
        return _read(self._open(method, path, data, headers))

    def _open(
        self,
        method: str,
        path: str,
        data: bytes | BinaryIO | None,
        headers: dict[str, str],
        *,
        seconds: float = TIMEOUT_SECONDS,
    ) -> http.client.HTTPResponse:
        request = urllib.request.Request(  # noqa: S310 - http or https, as ``join`` has checked
            f"{self.site}/host/v1/{path}", data=data, method=method, headers=headers
        )
        if self.identity is not None:
            request.add_header("Authorization", f"Bearer {self.identity.token}")
            request.add_header("Host-Epoch", str(self.identity.epoch))
        try:
            opened = urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=seconds, context=self.context
            )
            return cast("http.client.HTTPResponse", opened)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise SiteFailed(f"The site {self.site} does not answer: {error}") from None


def _read(response: http.client.HTTPResponse) -> Any:
    with response:
        try:
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise SiteFailed(f"The site broke off: {error}") from None
    return json.loads(text) if text else None


def _refusal(error: urllib.error.HTTPError) -> SiteFailed:
    with error:
        try:
            told = json.loads(error.read())["error"]
            text, code = str(told["message"]), str(told["code"])
        except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
            text, code = f"The site answers {error.code}.", ""
    return SiteFailed(text[:LONGEST_TEXT], error.code, code)

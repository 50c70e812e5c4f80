"""The files that the proxy gives to browsers: its pages, and parts of noVNC and xterm.js."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from servers.console_proxy import parts

FOLDER = Path(__file__).parent / "static"
NAMES = {"vnc_auto.html": "vnc.html", "vnc_lite.html": "vnc.html"}
"""Other names of the same page, by which addresses of consoles name it elsewhere."""
TYPES = {".mjs": "text/javascript", ".js": "text/javascript"}
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)


def find_file(path: str) -> tuple[bytes, str] | None:
    """What is in the file at this path of a URL, and its type; ``None``: there is no such file."""
    name = path.lstrip("/")
    place, _, rest = name.partition("/")
    if place in parts.PLACES:
        folder, name = parts.folder() / parts.PLACES[place], rest
    else:
        folder, name = FOLDER, NAMES.get(name, name)
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        return None
    kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "text/plain"
    return file.read_bytes(), f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

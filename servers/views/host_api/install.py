"""What a machine needs to become a host: the script that does it, and the agent itself. Both are no
secrets; who has no join token gets no further.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from django.http import HttpResponse
from rest_framework.request import Request

import servers.agent
from servers.agent.machine import VERSION
from servers.agent.packages import PACKAGES
from servers.views.host_api.view import HostView

AGENT = Path(servers.agent.__file__).parent
SCRIPT = Path(__file__).with_name("install.sh")
METADATA = f"Metadata-Version: 2.1\nName: compute-site\nVersion: {VERSION}\n"


class Script(HostView):
    """``GET /host/v1/install.sh``."""

    open = True

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(install_script(), content_type="text/x-shellscript; charset=utf-8")


class Archive(HostView):
    """``GET /host/v1/agent.tar.gz``."""

    open = True

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(agent_archive(), content_type="application/gzip")


@functools.cache
def install_script() -> bytes:
    """It takes the archive of this very site, and no other."""
    text = SCRIPT.read_text(encoding="utf-8")
    values = {
        "VERSION": VERSION,
        "SHA256": hashlib.sha256(agent_archive()).hexdigest(),
        "PACKAGES": " ".join(PACKAGES),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text.encode()


@functools.cache
def agent_archive() -> bytes:
    """The agent, which is Python without anything to compile: the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in sorted(_files()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def _files() -> Iterator[tuple[str, bytes]]:
    yield "servers/__init__.py", b""
    yield f"compute_site-{VERSION}.dist-info/METADATA", METADATA.encode()
    for path in AGENT.rglob("*.py"):
        yield f"servers/agent/{path.relative_to(AGENT)}", path.read_bytes()

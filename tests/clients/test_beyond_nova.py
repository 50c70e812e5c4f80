"""What docs/beyond-nova.md shows, run as it stands there, with unmodified clients."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import openstack
import pytest
from django.conf import settings
from openstack.connection import Connection
from openstack.exceptions import HttpException

from tests.clients.conftest import LiveSite

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]
DOCUMENT = Path(settings.BASE_DIR) / "docs/beyond-nova.md"
ROOT = "http://127.0.0.1:8774"
STREAM = "curl -N"
SECONDS = 60
# The command itself has tests of its own, and takes seconds to start.
SHELL = """
set -euo pipefail
openstack() { echo "$GIVEN_TOKEN"; }
curl() { command curl -sS "$@"; }
"""


def blocks(language: str) -> list[str]:
    """The examples in this language, in their order."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def sdk_names(cloud: Connection, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the examples in Python have defined in the end."""
    monkeypatch.setattr(openstack, "connect", lambda **_: cloud)
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, str(DOCUMENT), "exec"), names)  # noqa: S102 - our own document
    return names


def test_the_examples_for_curl_do_what_the_document_says(
    cloud: Connection, live_site: LiveSite, tmp_path: Path
) -> None:
    stream, *others = sorted(blocks("sh"), key=lambda block: not block.startswith(STREAM))
    [creates] = [block for block in others if "Idempotency-Key" in block]
    again = creates.split("\n", 1)[1].replace("made.json", "again.json")
    first, *rest = others
    script = [SHELL, first, *rest, again, "mv made.json first.json; cp again.json made.json"]
    following = stream.replace(STREAM, "exec curl -sSN --max-time 30").rstrip()
    script += [f"exec 3< <({following} 2> /dev/null)", "head -n 1 <&3 > stream", "kill $!"]
    done = subprocess.run(
        ["/bin/bash", "-c", "\n".join(script).replace(ROOT, live_site.root)],
        cwd=tmp_path,
        env={**os.environ, "GIVEN_TOKEN": str(cloud.auth_token)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert (tmp_path / "first.json").read_text() == (tmp_path / "again.json").read_text()
    for words in (
        '"accepted":true\n',
        '"status":"ACTIVE"\n',
        '"dry_run"',
        '"outcome":"placed"',
        '"step":"spawning"',
    ):
        assert words in said
    assert (tmp_path / "stream").read_text() == "retry: 1000\n"
    compute = cloud.compute
    for server in compute.servers(name="^web$"):
        compute.delete_server(server)


def test_the_examples_for_openstacksdk_do_what_the_document_says(
    cloud: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sdk_names(cloud, monkeypatch)
    server = names["server"]
    assert names["trial"]["servers"]["names"] == ["web"]
    assert names["status"] == "ACTIVE"
    assert names["change"]["id"] == server.id
    cloud.compute.delete_server(server)


def test_the_sdk_sends_a_create_again(cloud: Connection) -> None:
    image = cloud.image.find_image("cirros", ignore_missing=False)
    flavor = cloud.compute.find_flavor("m1.tiny", ignore_missing=False)
    network = cloud.network.find_network("private", ignore_missing=False)
    compute = cloud.compute

    def create(name: str) -> str:
        server = compute.create_server(
            name=name, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
        )
        return str(server.id)

    compute.additional_headers["Idempotency-Key"] = str(uuid.uuid4())
    try:
        first, again = create("sent-twice"), create("sent-twice")
        with pytest.raises(HttpException) as refused:
            create("another")
    finally:
        del compute.additional_headers["Idempotency-Key"]
    assert again == first
    assert refused.value.status_code == 422
    assert [server.id for server in compute.servers(name="sent-twice")] == [first]
    compute.delete_server(first)

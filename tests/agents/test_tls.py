"""A site behind TLS whose certificate a private authority has signed: what a host does there."""

from __future__ import annotations

import shlex
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer
from websockets.asyncio.client import connect
from websockets.typing import Origin

from servers.agent.__main__ import main
from servers.agent.files import read_json
from servers.hosts.agents import add_host
from servers.models import Instance
from servers.models.cell import CELL1
from tests.agents.test_consoles import member as member  # noqa: PLC0414 - a fixture
from tests.agents.test_consoles import token_of, with_proxy
from tests.agents.test_life import DATA, becomes, create
from tests.world.agents import at_work, jobs_at_work, make_agent
from tests.world.client import ApiClient
from tests.world.tls import HOST, Front, tls_before

BEGIN = 1000


@pytest.fixture
def front(live_server: LiveServer, tmp_path: Path) -> Iterator[Front]:
    port = urlsplit(live_server.url).port
    assert port is not None
    with tls_before(port, tmp_path / "front") as front:
        yield front


def join(site: str, token: str, folder: Path, ca_file: str | None) -> int:
    words = ["--site", site, "--token", token, "--state-dir", str(folder)]
    more = [] if ca_file is None else ["--ca-file", ca_file]
    return main(["join", "--hypervisor", "pretend", *words, *more])


def test_the_printed_line_fetches_script_and_agent(
    front: Front, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call_command("add_host", "real", site=front.url, ca_file=str(front.authority))
    fetch, _, run = capsys.readouterr().out.strip().partition(" | ")
    script = subprocess.run(shlex.split(fetch), capture_output=True, check=True, timeout=30).stdout
    assert script.rstrip().endswith(b'main "$@"')
    assert f"--ca-file {front.authority}" in run

    get = next(line for line in script.decode().splitlines() if "agent.tar.gz" in line)
    get = get.strip().removesuffix("||")
    given = f"secure='--proto =https' ca_file={front.authority} site={front.url} work={tmp_path}"
    subprocess.run(["/bin/sh", "-ec", f"{given}; {get}"], check=True, timeout=30)
    assert (tmp_path / "agent.tar.gz").read_bytes()[:2] == b"\x1f\x8b"

    unchecked = [word for word in shlex.split(fetch) if word not in ("--cacert", fetch[-1])]
    unchecked.remove(str(front.authority))
    done = subprocess.run(unchecked, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (60, b"")  # curl: no authority that it knows


def test_a_host_does_all_its_work_through_tls(
    front: Front, member: ApiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "host"
    token = add_host("real", cell=CELL1)
    monkeypatch.chdir(front.authority.parent)
    assert join(front.url, token, folder, front.authority.name) == 0
    monkeypatch.chdir("/")  # the agent works wherever it is started

    agent = make_agent(folder, console_listen="127.0.0.1:0")
    with jobs_at_work(), at_work(agent):
        server = create(member)
        becomes(server, "active", 1)
        disk = folder / "pretend" / str(server.uuid) / "disk"
        assert disk.read_bytes() == DATA

        [image] = (folder / "images").iterdir()
        image.with_suffix(".part").write_bytes(DATA[:BEGIN])  # as when fetching was broken off
        image.unlink()
        becomes(create(member), "active", 1)
        assert image.read_bytes() == DATA

        use_console(member, server, tmp_path / "console")
    assert f"Range: bytes={BEGIN}-".encode() in front.heard
    assert b"GET /host/v1/orders?" in front.heard
    assert b"POST /host/v1/heartbeat" in front.heard


def use_console(member: ApiClient, server: Instance, folder: Path) -> None:
    """Through TLS as far as the proxy."""
    token = token_of(member, server, "serial", "serial")

    async def look(proxy: str) -> None:
        with tls_before(int(proxy.rpartition(":")[2]), folder) as front:
            trust = ssl.create_default_context(cafile=front.authority)
            url = f"wss://{HOST}:{front.port}/console?token={token}"
            origin = Origin(front.url)
            async with connect(url, ssl=trust, origin=origin) as browser:
                assert await browser.recv() == f"serial of {server.uuid}\n".encode()
                await browser.send("typed")
                assert await browser.recv() == b"typed"

    with_proxy(look)


def test_a_host_that_does_not_know_the_authority_does_not_join(
    front: Front, transactional_db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = add_host("real", cell=CELL1)
    assert join(front.url, token, tmp_path / "host", None) == 1
    assert "certificate verify failed" in capsys.readouterr().err
    assert b"join_token" not in front.heard
    assert join(front.url, token, tmp_path / "host", str(front.authority)) == 0


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_told_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "own.pem"
    if content is not None:
        path.write_text(content)
    assert join("https://compute.example", "token", tmp_path / "host", str(path)) == 1
    assert f"--ca-file: there are no certificates in {path}" in capsys.readouterr().err
    assert read_json(tmp_path / "host" / "agent.json") is None

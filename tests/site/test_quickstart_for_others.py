"""A quickstart that others can reach: no password is one that everybody knows, and they get in."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from compute_site.identity.models import User
from compute_site.quickstart.demo_accounts import find_accounts, read_accounts, set_passwords
from compute_site.quickstart.listening import find_listener
from compute_site.quickstart.start import Account, read_clouds_yaml, write_clouds_yaml
from tests.world.databases import migrated_database
from tests.world.factories import make_user

ROOT = Path(settings.BASE_DIR)
KNOWN = {name: Account(name, name, "demo") for name in ("demo", "admin")}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what these tests are about
USUAL = ("localhost", "127.0.0.1", "[::1]")


@pytest.mark.parametrize(
    ("host", "private", "own_root", "allowed"),
    [
        ("127.0.0.1", True, "http://127.0.0.1:8774", USUAL),
        ("127.0.0.2", True, "http://127.0.0.2:8774", (*USUAL, "127.0.0.2")),
        ("::1", True, "http://[::1]:8774", USUAL),
        ("localhost", True, "http://localhost:8774", USUAL),
        ("192.0.2.1", False, "http://192.0.2.1:8774", (*USUAL, "192.0.2.1")),
        ("2001:db8::7", False, "http://[2001:db8::7]:8774", (*USUAL, "[2001:db8::7]")),
        (EVERYWHERE, False, "http://127.0.0.1:8774", ("*",)),
        ("::", False, "http://[::1]:8774", ("*",)),
    ],
)
def test_where_it_listens_says_who_can_come(
    host: str, private: bool, own_root: str, allowed: tuple[str, ...]
) -> None:
    listener = find_listener(host, 8774)
    assert listener.is_private is private
    assert listener.own_root == own_root
    assert listener.allowed_hosts(USUAL, {}) == allowed


def test_hosts_that_the_operator_chose_stay_the_only_ones() -> None:
    chosen = {"COMPUTE_SITE_ALLOWED_HOSTS": "cloud.test"}
    everywhere = find_listener(EVERYWHERE, 8774)
    assert everywhere.allowed_hosts(("cloud.test",), chosen) == ("cloud.test", "127.0.0.1")


@pytest.mark.django_db
def test_a_cloud_that_is_there_loses_its_open_passwords(cast: object) -> None:
    demo, admin = make_user("demo", password="demo"), make_user("admin", password="mine")
    accounts = find_accounts(KNOWN, {}, private=False)
    assert [account.user for account in accounts.values()] == ["demo"]
    set_passwords(KNOWN, accounts)
    demo.refresh_from_db()
    assert not demo.check_password("demo")
    assert demo.check_password(accounts["demo"].password)
    admin.refresh_from_db()
    assert admin.check_password("mine")
    again = find_accounts(KNOWN, accounts, private=False)
    assert again == accounts


@pytest.mark.django_db
def test_only_who_has_an_open_password_is_touched(cast: object) -> None:
    make_user("demo", password="kept")
    kept = {"demo": Account("demo", "kept", "demo")}
    before = User.objects.get(username="demo").password
    accounts = find_accounts(KNOWN, kept, private=False)
    set_passwords(KNOWN, accounts)
    assert accounts == kept
    assert User.objects.get(username="demo").password == before


def test_where_nobody_else_can_come_kept_passwords_stay() -> None:
    kept = {"demo": Account("demo", "random", "demo")}
    assert find_accounts(KNOWN, kept, private=True) == {**KNOWN, **kept}


def test_the_file_of_passwords_is_for_its_owner_even_where_it_was_open(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text("{}")
    path.chmod(0o666)
    write_clouds_yaml(path, "http://127.0.0.1:8774", KNOWN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_clouds_yaml(path) == KNOWN
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "[]", "clouds: 1", "clouds: {demo: {}}", "\t{", "{}"])
def test_a_file_that_makes_no_sense_keeps_no_account(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    assert read_clouds_yaml(path) == {}


def test_every_user_of_the_demo_cloud_is_known() -> None:
    document = yaml.safe_load((ROOT / "compute_site/cloudfile/demo.yaml").read_text())
    assert {name: account.password for name, account in read_accounts(document).items()} == {
        name: name for name in ("demo", "reader", "admin")
    }


@contextlib.contextmanager
def quickstart(database: str, state: Path, *words: str) -> Iterator[Callable[[], str]]:
    """A site in a process of its own, ready; what it says."""
    log = state / "quickstart.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart", "--no-first-server", *words],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database, "COMPUTE_SITE_STATE_DIR": str(state)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 120
        while "Ctrl-C ends everything" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield log.read_text
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def status_of(port: int, name: str, password: str, host: str) -> int:
    basic = base64.b64encode(f"{name}:{password}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": host, "Authorization": f"Basic {basic}"}
    connection.request("GET", "/compute/v2.1/servers", headers=headers)
    with contextlib.closing(connection):
        return connection.getresponse().status


def test_a_site_for_others_has_passwords_of_its_own(tmp_path: Path, django_db_setup: None) -> None:
    database = migrated_database("compute_site_others")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ("--port", str(port), "--web-processes", "1")
    with quickstart(database, tmp_path, "--host", EVERYWHERE, *words) as said:
        shown = dict(re.findall(r"^  (demo|reader|admin) +(\S{24})$", said(), re.MULTILINE))
        assert shown.keys() == {"demo", "reader", "admin"}
        for name, password in shown.items():
            assert status_of(port, name, name, f"cloud.test:{port}") == 401
            assert status_of(port, name, password, f"cloud.test:{port}") == 200
    kept = read_clouds_yaml(tmp_path / "clouds.yaml")
    assert {name: account.password for name, account in kept.items()} == shown
    with quickstart(database, tmp_path, "--host", "127.0.0.1", *words) as said:
        assert not set(shown.values()) & set(said().split())
        assert "password demo" not in said()
        assert status_of(port, "admin", "admin", "127.0.0.1") == 401
        assert status_of(port, "admin", shown["admin"], "127.0.0.1") == 200
        assert status_of(port, "admin", shown["admin"], "cloud.test") == 400

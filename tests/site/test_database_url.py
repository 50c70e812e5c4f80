"""``DATABASE_URL`` names one server, or several of which the one that takes changes is used."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from compute_site.db.embedded import DatabaseError, database_settings


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [
        ("u:p@db1:5433", "db1", "5433"),
        ("u:p@db1", "db1", ""),
        ("u:p%40x@db1:5432,db2:5433", "db1,db2", "5432,5433"),
        ("db1,db2:5433", "db1,db2", ",5433"),
        ("db1,db2", "db1,db2", ""),
        ("u@[::1]:5433,[fe80::1]", "::1,fe80::1", "5433,"),
        ("u@%2Frun%2Fa:1,%2Frun%2Fb:2", "/run/a,/run/b", "1,2"),
        ("", "", ""),
    ],
)
def test_hosts_are_read_as_libpq_takes_them(
    monkeypatch: pytest.MonkeyPatch, place: str, host: str, port: str
) -> None:
    url = f"postgresql://{place}/compute?target_session_attrs=read-write"
    monkeypatch.setenv("DATABASE_URL", url)
    found = database_settings(Path("unused"))
    assert (found["HOST"], found["PORT"], found["NAME"]) == (host, port, "compute")
    assert found["OPTIONS"]["target_session_attrs"] == "read-write"


def test_a_port_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db1:5432,db2:port/compute")
    with pytest.raises(DatabaseError, match="'port' is no port"):
        database_settings(Path("unused"))


@pytest.mark.django_db
def test_the_one_that_answers_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = connection.settings_dict
    hosts = f"{quote(str(tmp_path), safe='')}:1,{quote(values['HOST'], safe='')}:{values['PORT']}"
    url = f"postgresql://{values['USER']}@{hosts}/{values['NAME']}?target_session_attrs=read-write"
    monkeypatch.setenv("DATABASE_URL", url)
    found = database_settings(Path("unused"))
    with psycopg.connect(
        host=found["HOST"],
        port=found["PORT"],
        user=values["USER"],
        password=values["PASSWORD"],
        dbname=found["NAME"],
        target_session_attrs=found["OPTIONS"]["target_session_attrs"],
    ) as session:
        assert session.execute("SHOW transaction_read_only").fetchone() == ("off",)

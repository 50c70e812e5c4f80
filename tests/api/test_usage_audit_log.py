"""``/os-instance_usage_audit_log``: no host here is asked for the use of its servers."""

from __future__ import annotations

import pytest

from tests.world.client import ApiClient
from tests.world.hosts import make_host


def test_no_host_is_waited_for(as_admin: ApiClient) -> None:
    path = "/os-instance_usage_audit_log"
    for name in ("b", "a"):
        make_host(name)
    now = as_admin.get(path).expect(200).json["instance_usage_audit_logs"]
    assert (now["num_hosts"], now["overall_status"]) == (0, "ALL hosts done. 0 errors.")
    told = as_admin.get(f"{path}/2026-01-15%2010:00:00").expect(200).json
    assert told == {
        "instance_usage_audit_log": {
            "period_beginning": "2025-12-01 00:00:00",
            "period_ending": "2026-01-01 00:00:00",
            "num_hosts": 0,
            "num_hosts_done": 0,
            "num_hosts_running": 0,
            "num_hosts_not_run": 0,
            "hosts_not_run": [],
            "total_instances": 0,
            "total_errors": 0,
            "overall_status": "ALL hosts done. 0 errors.",
            "log": {},
        }
    }


@pytest.mark.parametrize(
    ("before", "period"),
    [
        ("2026-11-01 00:00:00", ("2026-09-01", "2026-10-01")),
        ("2026-11-01 00:00:00.5", ("2026-10-01", "2026-11-01")),
        ("2026-03-31 23:59:59", ("2026-02-01", "2026-03-01")),
    ],
)
def test_the_last_whole_month_before_a_time(
    as_admin: ApiClient, before: str, period: tuple[str, str]
) -> None:
    log = as_admin.get(f"/os-instance_usage_audit_log/{before}").json["instance_usage_audit_log"]
    assert (log["period_beginning"][:10], log["period_ending"][:10]) == period


@pytest.mark.parametrize(
    "before", ["x", "2026-01-01", "2026-13-01 00:00:00", "0001-01-01 00:00:00"]
)
def test_what_is_no_time(as_admin: ApiClient, before: str) -> None:
    as_admin.get(f"/os-instance_usage_audit_log/{before}").expect(400)


def test_only_admins_see_it(as_manager: ApiClient) -> None:
    as_manager.get("/os-instance_usage_audit_log").expect(403)
    as_manager.get("/os-instance_usage_audit_log/2026-01-01%2000:00:00").expect(403)

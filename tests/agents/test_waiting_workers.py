"""However many orders hosts have, a worker has its thread and its session for other jobs."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from servers.models import HostOrder, Instance, Service
from tests.agents.test_host_api import joined
from tests.world.cast import make_cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image
from tests.world.hosts import make_host
from tests.world.orders import limit
from tests.world.worker_process import wait_until, worker_process

ORDERS = 30

pytestmark = pytest.mark.django_db(transaction=True)


def sessions() -> int:
    """Those of the worker."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_hosts_that_work_keep_no_worker(tmp_path: Path) -> None:
    member = ApiClient(make_cast().member)
    host = joined("real")
    limit("instances", 1000)
    limit("cores", 1000)
    limit("ram", 1000000)
    flavor = make_flavor(memory_mb=16, vcpus=1)
    image = make_image(stored=True, size=4, os_hash_value="ab", min_disk=0)
    body = {
        "name": "server",
        "imageRef": str(image.pk),
        "flavorRef": flavor.flavorid,
        "networks": "none",
    }
    log = tmp_path / "log"
    with worker_process(log, "--concurrency", "1"):
        for number in range(0, ORDERS, 10):
            many = {**body, "min_count": 10, "name": f"many-{number}"}
            member.post("/servers", {"server": many}, microversion="2.37").expect(202)
        wait_until(lambda: HostOrder.objects.filter(task="spawn").count() == ORDERS, log)
        make_host("simulated")
        Service.objects.filter(host="real").update(disabled=True)
        quick = {**body, "name": "quick"}
        member.post("/servers", {"server": quick}, microversion="2.37").expect(202)
        wait_until(lambda: Instance.objects.get(display_name="quick").vm_state == "active", log)
        assert sessions() < ORDERS / 2
        assert Instance.objects.filter(vm_state="building").count() == ORDERS
        after = 0
        while orders := host.orders(after):
            for order in orders:
                done = {"ok": True, "result": {"power_state": 1}}
                assert host.post(f"orders/{order['id']}/done", done)[0] == 200
                after = order["seq"]
        wait_until(lambda: not Instance.objects.exclude(vm_state="active").exists(), log)
    assert HostOrder.objects.count() == ORDERS

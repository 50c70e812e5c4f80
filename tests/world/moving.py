"""Servers that run on hosts, and what must be true of hosts and counters after moves."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from flavors.models import Flavor
from quotas.models import Usage
from servers.models import ComputeNode, Instance, Migration
from tests.world.cast import ALPHA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor
from tests.world.hosts import assert_hosts_add_up, make_host
from tests.world.jobs import run_jobs
from tests.world.orders import Shop


class Rack:
    """Two hosts, a small and a large flavor, and servers of the small one."""

    def __init__(self, **hosts: Any) -> None:
        self.hosts = [make_host(name, **hosts) for name in ("host1", "host2")]
        self.shop = Shop()
        self.small = self.shop.flavor
        self.large = make_flavor(vcpus=4, memory_mb=4096, root_gb=40)

    def server(self, client: ApiClient, **order: Any) -> Instance:
        """One that runs."""
        answer = self.shop.order(client, **order).expect(202)
        run_jobs()
        server = Instance.objects.get(uuid=answer.json["server"]["id"])
        assert server.vm_state == "active"
        return server


def act(client: ApiClient, server: Instance, version: str = "2.1", /, **body: Any) -> Answer:
    return client.post(f"/servers/{server.uuid}/action", body, microversion=version)


def resize(client: ApiClient, server: Instance, flavor: Flavor, **values: Any) -> Answer:
    return act(client, server, resize={"flavorRef": flavor.flavorid, **values})


def confirm(client: ApiClient, server: Instance) -> Answer:
    return act(client, server, confirmResize=None)


def revert(client: ApiClient, server: Instance) -> Answer:
    return act(client, server, revertResize=None)


def state(server: Instance) -> tuple[str, str | None]:
    server.refresh_from_db()
    return server.vm_state, server.task_state


def move_of(server: Instance) -> Migration:
    """The newest move of the server."""
    return Migration.objects.filter(instance=server).latest("pk")


def in_use(resource: str) -> int:
    usage = Usage.objects.filter(project_id=ALPHA, resource=resource).first()
    return usage.in_use if usage else 0


def held_on(node: ComputeNode) -> tuple[int, int, int]:
    """vCPUs, memory and number of servers that the node counts."""
    node.refresh_from_db()
    return node.vcpus_used, node.memory_mb_used, node.running_vms


def assert_books_balance() -> None:
    """Counters of hosts are the sums of allocations, counters of quotas those of servers."""
    assert_hosts_add_up()
    call_command("check_quotas", verbosity=0)

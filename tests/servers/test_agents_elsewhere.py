"""Hosts with agents beside a Neutron and a Cinder elsewhere: what they cannot do is refused before
anything begins, and told by the command that tries the services.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from servers.hosts.agents import add_host, rotate_host
from servers.models import BlockDevice, ComputeNode, Instance, Service
from servers.models.cell import CELL1
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.cloud_services import Neighbours, neighbours_elsewhere
from tests.world.factories import make_instance
from tests.world.hosts import make_host

pytestmark = pytest.mark.django_db(transaction=True)

JOIN = {
    "boot_id": "first",
    "version": "0.1",
    "protocols": [1],
    "hypervisor": "pretend",
    "stock": {
        "vcpus": 8,
        "memory_mb": 16384,
        "local_gb": 100,
        "hypervisor_type": "pretend",
        "hypervisor_version": 1,
        "supported_instances": [["x86_64", "pretend", "hvm"]],
        "cpu_info": {"arch": "x86_64"},
    },
}


@pytest.fixture
def earlier(db: None) -> str:
    """A host that was added while the networks were those of this site; its join token."""
    return add_host("earlier", cell=CELL1)


@pytest.fixture
def neighbours(earlier: str) -> Iterator[Neighbours]:
    with neighbours_elsewhere() as there:
        yield there


def test_no_host_is_added_or_joins_beside_a_neutron(neighbours: Neighbours, earlier: str) -> None:
    with pytest.raises(CommandError, match="network_service"):
        call_command("add_host", "real", "--site", "https://site.example.org")
    assert not Service.objects.filter(host="real").exists()

    token = rotate_host("earlier")
    body = JOIN | {"join_token": token}
    answer = Client().post("/host/v1/join", body, content_type="application/json")
    assert (answer.status_code, "Neutron" in answer.content.decode()) == (409, True)
    assert not ComputeNode.objects.exists()


def test_the_command_tells_of_hosts_that_are_there(
    neighbours: Neighbours, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError):
        call_command("check_services")
    said = capsys.readouterr().out
    assert "(earlier) connect no ports of a Neutron" in said
    assert "(earlier) have no initiator that a Cinder" in said


def test_no_volume_of_a_cinder_is_attached_there(
    as_member: ApiClient, cast: Cast, neighbours: Neighbours
) -> None:
    make_host("host1")
    server: Instance = make_instance(host="host1", node="host1", launched_at=timezone.now())
    ComputeNode.objects.update(driver="agent")
    wanted = {"volumeAttachment": {"volumeId": neighbours.make_volume()}}
    refused = as_member.post(f"/servers/{server.uuid}/os-volume_attachments", wanted).expect(400)
    assert "Cinder" in refused.message
    assert not neighbours.attachments
    assert not BlockDevice.objects.exists()

    ComputeNode.objects.update(driver="fake")
    as_member.post(f"/servers/{server.uuid}/os-volume_attachments", wanted).expect(200)
    assert len(neighbours.attachments) == 1

"""Servers with a virtual TPM or encrypted memory refuse what would lose it, first of all."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.image.models import Image
from servers.models import Instance, TaskState
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image, make_instance
from tests.world.hosts import make_host

pytestmark = pytest.mark.django_db

TPM = {"hw:tpm_version": "2.0"}
ENCRYPTED = {"hw:mem_encryption": "true"}
UEFI = {"image_hw_firmware_type": "uefi"}
LIVE = {"os-migrateLive": {"host": None, "block_migration": "auto"}}


def rebuild() -> dict[str, Any]:
    return {"rebuild": {"imageRef": str(make_image().pk)}}


ACTIONS = {
    "rescue": {"rescue": None},
    "shelve": {"shelve": None},
    "evacuate": {"evacuate": {}},
    "suspend": {"suspend": None},
    "live": LIVE,
}


def make_server(specs: dict[str, str], **fields: Any) -> Instance:
    node = make_host()
    flavor = make_flavor(extra_specs=specs)
    where = {"host": node.service.host, "node": node.hypervisor_hostname}
    return make_instance(flavor_record=flavor, **where | fields)


def refused(client: ApiClient, server: Instance, body: dict[str, Any]) -> bool:
    """Is the action refused because of the hardware?"""
    answer = client.post(f"/servers/{server.uuid}/action", body, microversion="2.30")
    return answer.status == 400 and answer.errors[0]["code"] == "hardware_bound"


@pytest.mark.parametrize(
    ("specs", "metadata", "names"),
    [
        (TPM, {}, {"rescue", "shelve", "evacuate", "live"}),
        ({}, {"image_hw_tpm_version": "1.2"}, {"rescue", "shelve", "evacuate", "live"}),
        (TPM | {"hw:tpm_secret_security": "host"}, {}, {"rescue", "shelve", "evacuate"}),
        (TPM | {"hw:tpm_secret_security": "deployment"}, {}, {*ACTIONS} - {"suspend"}),
        (ENCRYPTED, UEFI, {"suspend", "live"}),
        ({}, {}, set()),
    ],
)
def test_what_would_lose_it_is_refused(
    as_admin: ApiClient, specs: dict[str, str], metadata: dict[str, str], names: set[str]
) -> None:
    found = {
        name
        for name, body in ACTIONS.items()
        if refused(as_admin, make_server(specs, system_metadata=metadata), body)
    }
    assert found == names


def test_a_rebuild_is_refused(as_member: ApiClient) -> None:
    server = make_server(TPM)
    assert refused(as_member, server, rebuild())
    unknown = {"rebuild": {"imageRef": "00000000-0000-4000-8000-000000000000"}}
    assert refused(as_member, server, unknown)


def test_it_is_said_before_the_lock_and_the_state(as_member: ApiClient) -> None:
    server = make_server(TPM, locked=True, task_state=TaskState.REBOOTING)
    assert refused(as_member, server, {"rescue": None})
    server.refresh_from_db()
    assert server.task_state == TaskState.REBOOTING
    assert not Image.objects.exists()


def test_the_host_is_looked_for_first_in_an_evacuation(as_admin: ApiClient) -> None:
    server = make_server(TPM)
    body = {"evacuate": {"host": "nowhere"}}
    as_admin.post(f"/servers/{server.uuid}/action", body, microversion="2.30").expect(404)

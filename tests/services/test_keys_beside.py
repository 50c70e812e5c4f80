"""Keys beside the object in the body of a request are refused, and nothing is done."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.identity.models import Project
from compute_site.neighbours.network.models import Network
from tests.world.client import ApiClient

pytestmark = pytest.mark.django_db
NETWORK: dict[str, Any] = {"name": "one"}


@pytest.mark.parametrize(
    "body",
    [
        {"network": NETWORK, "colour": 1},
        {"networks": [NETWORK], "network": NETWORK},
        {"networks": [NETWORK], "colour": 1},
    ],
)
def test_of_the_network_api(as_member: ApiClient, body: dict[str, Any]) -> None:
    before = Network.objects.count()
    answer = as_member.post("//network/v2.0/networks", body).expect(400)
    assert "is not known" in answer.json["NeutronError"]["message"]
    assert Network.objects.count() == before


def test_of_the_identity_api(as_admin: ApiClient) -> None:
    before = Project.objects.count()
    body = {"project": {"name": "one"}, "colour": 1}
    answer = as_admin.post("//identity/v3/projects", body).expect(400)
    assert answer.json["error"]["message"] == "key colour: is not known"
    assert Project.objects.count() == before

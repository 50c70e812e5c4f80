"""Domains, roles, the catalogue, registered limits and QoS specs in a cloud file."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud
from compute_site.identity.models import (
    Domain,
    Endpoint,
    ImpliedRole,
    NamedRole,
    Region,
    RegisteredLimit,
    Service,
    WideRole,
)
from compute_site.neighbours.volume.models import VolumeType
from compute_site.neighbours.volume.qos_models import QosSpecs
from tests.world.cloud_file_faults import check_refused

pytestmark = pytest.mark.django_db
FILE: dict[str, Any] = {
    "domains": [{"name": "branch", "description": "elsewhere"}],
    "roles": [
        {"name": "auditor", "description": "looks", "implies": ["reader", "clerk"]},
        {"name": "clerk"},
        {"name": "chief", "domain": "branch", "implies": ["auditor"]},
    ],
    "regions": [{"id": "north"}, {"id": "far-north", "parent_region_id": "north"}],
    "services": [{"type": "dns", "name": "designate"}],
    "endpoints": [
        {
            "service": "designate",
            "interface": "public",
            "region": "north",
            "url": "https://dns.example.org",
        }
    ],
    "registered_limits": [
        {"service": "designate", "resource_name": "zones", "default_limit": 10},
        {"service": "dns", "region": "north", "resource_name": "zones", "default_limit": 5},
    ],
    "volume_types": [{"name": "fast"}, {"name": "slow"}],
    "qos_specs": [
        {
            "name": "gold",
            "consumer": "front-end",
            "specs": {"read_iops_sec": "500"},
            "volume_types": ["fast"],
        }
    ],
}


def rows() -> dict[str, Any]:
    return {
        "domains": set(Domain.objects.values_list("name", "description", "enabled")),
        "roles": set(NamedRole.objects.values_list("name", "description", "domain__name")),
        "implied": set(ImpliedRole.objects.values_list("prior__name", "implied__name")),
        "regions": set(Region.objects.values_list("pk", "parent")),
        "endpoints": set(Endpoint.objects.values_list("pk", "service__name", "url", "region")),
        "limits": set(
            RegisteredLimit.objects.values_list("pk", "service__name", "region", "default_limit")
        ),
        "qos": [
            (specs.name, specs.consumer, specs.specs, sorted(specs.types.values_list("name")))
            for specs in QosSpecs.objects.all()
        ],
    }


def test_the_file_makes_them_and_a_second_load_changes_nothing() -> None:
    load_cloud(FILE)
    found = rows()
    assert ("branch", "elsewhere", True) in found["domains"]
    assert ("chief", None, "branch") in found["roles"]
    assert {("auditor", "reader"), ("auditor", "clerk"), ("chief", "auditor")} <= found["implied"]
    assert ("far-north", "north") in found["regions"]
    assert Endpoint.objects.get(url="https://dns.example.org").region_id == "north"
    assert sorted(RegisteredLimit.objects.values_list("default_limit", flat=True)) == [5, 10]
    assert found["qos"] == [("gold", "front-end", {"read_iops_sec": "500"}, [("fast",)])]
    assert WideRole.objects.filter(domain__name="branch", role="manager").exists()
    load_cloud(FILE)
    assert rows() == found


def test_the_file_changes_what_there_is() -> None:
    load_cloud(FILE)
    limit = RegisteredLimit.objects.get(region=None)
    load_cloud(
        {
            "domains": [{"name": "branch", "enabled": False}],
            "roles": [{"name": "auditor", "implies": ["clerk"]}],
            "registered_limits": [
                {"service": "designate", "resource_name": "zones", "default_limit": 20}
            ],
            "qos_specs": [
                {"name": "gold", "specs": {"total_iops_sec": "9"}, "volume_types": ["slow"]}
            ],
        }
    )
    domain = Domain.objects.get(name="branch")
    assert (domain.enabled, domain.description) == (False, "")
    implied = ImpliedRole.objects.filter(prior__name="auditor")
    assert [one.implied.name for one in implied] == ["clerk"]
    limit.refresh_from_db()
    assert limit.default_limit == 20
    specs = QosSpecs.objects.get()
    assert (specs.consumer, specs.specs) == ("back-end", {"total_iops_sec": "9"})
    assert VolumeType.objects.get(qos_specs=specs).name == "slow"


def test_a_type_that_is_named_again_keeps_its_specs() -> None:
    load_cloud(FILE)
    load_cloud({"volume_types": [{"name": "fast", "description": "new"}]})
    kind = VolumeType.objects.get(name="fast")
    assert (kind.description, kind.qos_specs) == ("new", QosSpecs.objects.get())


@pytest.mark.parametrize(
    ("section", "entry", "told"),
    [
        ("domains", {"name": "x" * 65}, "key name"),
        ("domains", {"name": "n", "colour": "red"}, "key colour"),
        ("roles", {"name": "r", "domain": "nowhere"}, "key domain: there is no domain nowhere"),
        ("roles", {"name": "r", "implies": ["nobody"]}, "key implies: there is no role nobody"),
        ("roles", {"name": "r", "implies": ["admin"]}, "key implies"),
        ("roles", {"name": "admin", "description": "mine"}, "key name"),
        ("roles", {"name": "member", "implies": []}, "key implies"),
        ("regions", {"id": "r", "parent_region_id": "nowhere"}, "key parent_region_id"),
        ("services", {"type": "dns"}, "key name"),
        (
            "endpoints",
            {"service": "nothing", "interface": "public", "url": "/x"},
            "key service: there is no service nothing",
        ),
        ("endpoints", {"service": "nova", "interface": "outside", "url": "/x"}, "key interface"),
        ("endpoints", {"service": "nova", "interface": "public", "url": "nowhere"}, "key url"),
        (
            "endpoints",
            {"service": "nova", "interface": "public", "url": "/x", "region": "nowhere"},
            "key region",
        ),
        (
            "registered_limits",
            {"service": "nova", "resource_name": "x", "default_limit": "many"},
            "key default_limit",
        ),
        ("qos_specs", {"name": "q", "consumer": "nobody"}, "key consumer"),
        ("qos_specs", {"name": "q", "specs": {"consumer": "both"}}, "key specs"),
        ("qos_specs", {"name": "q", "volume_types": ["none"]}, "key volume_types"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(section: str, entry: Any, told: str) -> None:
    check_refused(section, entry, told, rows)
    assert not Service.objects.filter(type="dns").exists()


def test_a_type_with_other_specs_is_told() -> None:
    load_cloud(FILE)
    with pytest.raises(CloudFileError, match="key volume_types"):
        load_cloud({"qos_specs": [{"name": "silver", "volume_types": ["fast"]}]})
    assert QosSpecs.objects.count() == 1

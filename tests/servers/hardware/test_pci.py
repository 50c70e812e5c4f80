"""PCI aliases, requests and NUMA policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from servers.hardware import PciRequest, pci
from servers.hardware.errors import PciAliasUnknown, PciPolicyClash, WrongExtraSpec, WrongPciAlias
from tests.servers.hardware.factories import make_flavor, make_image

GPU: dict[str, Any] = {"name": "gpu", "vendor_id": "10de", "product_id": "1EB8"}
NIC: dict[str, Any] = {"name": "nic", "resource_class": "CUSTOM_NIC", "numa_policy": "required"}


def make_alias_flavor(aliases: str) -> Any:
    return make_flavor({"pci_passthrough:alias": aliases})


@pytest.mark.parametrize(
    ("asked", "wanted", "policy"),
    [
        (None, None, None),
        ("", None, None),
        ("", "legacy", "legacy"),
        (None, "socket", "socket"),
        ("preferred", None, "preferred"),
        ("required", "required", "required"),
    ],
)
def test_flavor_or_image_name_the_numa_policy(
    asked: str | None, wanted: str | None, policy: str | None
) -> None:
    flavor = make_flavor({} if asked is None else {"pci_numa_affinity_policy": asked})
    image = make_image({} if wanted is None else {"hw_pci_numa_affinity_policy": wanted})
    assert pci.choose_pci_numa_policy(flavor, image) == policy


@pytest.mark.parametrize("asked", ["required", "near"])
def test_different_numa_policies_are_forbidden(asked: str) -> None:
    flavor = make_flavor({"pci_numa_affinity_policy": asked})
    with pytest.raises(PciPolicyClash) as caught:
        pci.choose_pci_numa_policy(flavor, make_image({"hw_pci_numa_affinity_policy": "legacy"}))
    assert caught.value.status == 403


def test_an_unknown_numa_policy_of_the_flavor_is_refused() -> None:
    with pytest.raises(WrongExtraSpec, match="hw:pci_numa_affinity_policy is 'near'"):
        pci.choose_pci_numa_policy(make_flavor({"pci_numa_affinity_policy": "near"}), make_image())


def test_a_flavor_without_aliases_asks_for_no_device() -> None:
    broken = [{"name": ""}]
    assert pci.plan_pci_requests(make_flavor(), broken, numa_policy="legacy") == ()


def test_each_alias_becomes_a_request() -> None:
    flavor = make_alias_flavor("gpu:2, nic : 1,gpu:1")
    requests = pci.plan_pci_requests(flavor, [NIC, GPU], numa_policy=None)
    gpu = {"vendor_id": "10de", "product_id": "1EB8"}
    assert requests == (
        PciRequest(alias="gpu", count=2, specs=(gpu,), numa_policy="legacy"),
        PciRequest(
            alias="nic",
            count=1,
            specs=({"resource_class": "CUSTOM_NIC"},),
            numa_policy="required",
        ),
        PciRequest(alias="gpu", count=1, specs=(gpu,), numa_policy="legacy"),
    )
    assert requests[0].as_json() == {
        "alias": "gpu",
        "count": 2,
        "specs": [gpu],
        "numa_policy": "legacy",
    }


def test_the_numa_policy_of_flavor_and_image_overrides_that_of_an_alias() -> None:
    requests = pci.plan_pci_requests(make_alias_flavor("nic:1"), [NIC], numa_policy="socket")
    assert [request.numa_policy for request in requests] == ["socket"]


@pytest.mark.parametrize(
    "aliases", ["", "gpu", "gpu:", "gpu:one", "gpu:0", "gpu:-1", "gpu:1:1", "gpu:1,", "gpu:²"]
)
def test_an_entry_is_an_alias_and_a_count(aliases: str) -> None:
    with pytest.raises(WrongExtraSpec, match="give alias:count"):
        pci.plan_pci_requests(make_alias_flavor(aliases), [GPU], numa_policy=None)


def test_an_unknown_alias_is_refused() -> None:
    with pytest.raises(PciAliasUnknown, match="'nosuch'") as caught:
        pci.plan_pci_requests(make_alias_flavor("gpu:1,nosuch:1"), [GPU], numa_policy=None)
    assert caught.value.status == 400


def test_definitions_of_one_name_are_alternatives() -> None:
    newer = {**GPU, "name": " gpu ", "product_id": "2236", "live_migratable": "Yes"}
    aliases = pci.read_aliases([{**GPU, "capability_type": "pci"}, NIC, newer])
    assert list(aliases) == ["gpu", "nic"]
    assert aliases["gpu"].specs == (
        {"vendor_id": "10de", "product_id": "1EB8", "capability_type": "pci"},
        {"vendor_id": "10de", "product_id": "2236", "live_migratable": "true"},
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"numa_policy": "socket"}, "different NUMA policies"),
        ({"device_type": "type-PF"}, "different device types"),
    ],
)
def test_definitions_of_one_name_agree(change: Mapping[str, str], text: str) -> None:
    first = {**GPU, "device_type": "type-VF"}
    assert (
        pci.read_aliases([first, first, first])["gpu"].specs
        == ({"vendor_id": "10de", "product_id": "1EB8", "device_type": "type-VF"},) * 3
    )
    with pytest.raises(WrongPciAlias, match=text):
        pci.read_aliases([first, {**first, **change}])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": ""}, "the name ''"),
        ({"name": "x" * 257}, "1 to 256"),
        ({"name": 5}, "1 to 256"),
        ({"vendor_id": "10d"}, "four hexadecimal"),
        ({"product_id": 1234}, "four hexadecimal"),
        ({"device_type": "type-VDPA"}, "type-PCI, type-PF, type-VF"),
        ({"numa_policy": "near"}, "required, legacy"),
        ({"capability_type": "usb"}, "give one of pci"),
        ({"resource_class": 5}, "give a text"),
        ({"traits": None}, "give a text"),
        ({"live_migratable": "maybe"}, "give true or false"),
        ({"colour": "red"}, "the member 'colour'"),
    ],
)
def test_a_definition_holds_known_members_only(change: Mapping[str, object], text: str) -> None:
    with pytest.raises(WrongPciAlias, match=text) as caught:
        pci.plan_pci_requests(make_alias_flavor("gpu:1"), [{**GPU, **change}], numa_policy=None)
    assert caught.value.status == 400


@pytest.mark.parametrize("missing", ["name", "vendor_id", "product_id"])
def test_a_definition_names_itself_and_its_devices(missing: str) -> None:
    definition = {key: value for key, value in GPU.items() if key != missing}
    with pytest.raises(WrongPciAlias, match=missing):
        pci.read_aliases([definition])

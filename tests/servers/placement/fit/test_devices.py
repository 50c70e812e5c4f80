"""Which PCI devices a guest gets."""

from __future__ import annotations

from typing import Any

import pytest

from servers.placement.fit import (
    GuestDemand,
    GuestPlacement,
    HostTopology,
    claim,
    fit_on_host,
)
from tests.servers.placement.fit.factories import (
    NIC,
    WHOLE_NIC,
    make_device,
    make_guest,
    make_host,
    make_nic,
    make_request,
    place,
    refuse,
)

FOUR_CELLS = [
    {"shared_cpus": f"{index}", "socket": index // 2, "physnets": ["here"] if index == 0 else []}
    for index in range(4)
]


def host_of(*devices: dict[str, Any], sockets: bool = True) -> HostTopology:
    """Cells 0 and 1 lie on one socket, 2 and 3 on another."""
    cells = FOUR_CELLS if sockets else [{**cell, "socket": None} for cell in FOUR_CELLS]
    return make_host(*cells, devices=devices)


def chosen(host: HostTopology, *requests: Any, cells: bool = False) -> list[tuple[str, ...]]:
    """The addresses for each request; with ``cells`` the guest lies on cell 0 of the host."""
    guest = make_guest("0", policy="shared") if cells else None
    physnets = frozenset({"here"} if cells else ())
    placement = place(host, guest, devices=requests, physnets=physnets)
    return [devices.addresses for devices in placement.devices]


def nodes(host: HostTopology, *requests: Any) -> list[int | None]:
    """The cells near which the devices are that a guest on cell 0 gets."""
    near = {device.address: device.numa_node for device in host.devices}
    return [near[address] for group in chosen(host, *requests, cells=True) for address in group]


NEAR, SAME_SOCKET, FAR, UNTOLD = (
    make_device(slot, numa_node=node) for slot, node in ((1, 0), (2, 1), (3, 2), (4, None))
)


@pytest.mark.parametrize(
    ("policy", "devices", "near"),
    [
        ("required", [FAR, UNTOLD, NEAR], [0]),
        ("socket", [FAR, UNTOLD, SAME_SOCKET, NEAR], [0]),
        ("socket", [FAR, UNTOLD, SAME_SOCKET], [1]),
        ("legacy", [FAR, UNTOLD, NEAR], [0]),
        ("legacy", [FAR, UNTOLD], [None]),
        (None, [FAR, UNTOLD], [None]),
        ("preferred", [FAR, UNTOLD, NEAR], [0]),
        ("preferred", [FAR, UNTOLD], [None]),
        ("preferred", [FAR], [2]),
    ],
)
def test_devices_are_as_near_as_can_be(
    policy: str | None, devices: list[dict[str, Any]], near: list[int | None]
) -> None:
    assert nodes(host_of(*devices), make_request(NIC, policy=policy)) == near


@pytest.mark.parametrize(
    ("policy", "devices"),
    [
        ("required", [SAME_SOCKET, FAR, UNTOLD]),
        ("socket", [FAR, UNTOLD]),
        ("legacy", [SAME_SOCKET, FAR]),
        (None, [SAME_SOCKET]),
        ("preferred", []),
    ],
)
def test_devices_that_are_too_far_are_refused(
    policy: str | None, devices: list[dict[str, Any]]
) -> None:
    request = make_request(NIC, policy=policy)
    reason = refuse(
        host_of(*devices),
        make_guest("0", policy="shared"),
        devices=(request,),
        physnets=frozenset({"here"}),
    )
    assert (
        f"n cell 0 of the host, PCI devices needed for card: 1, free of that kind: {len(devices)},"
        f" of these to be given, as near as its policy {policy or 'legacy'} asks: 0"
    ) in reason


def test_no_device_is_on_the_same_socket_where_sockets_are_untold() -> None:
    host = host_of(SAME_SOCKET, sockets=False)
    request = make_request(NIC, policy="socket")
    place(host, make_guest("0", policy="shared"), devices=(request,))  # on cell 1 itself
    refuse(
        host,
        make_guest("0", policy="shared"),
        devices=(request,),
        physnets=frozenset({"here"}),
    )


def test_several_devices_are_all_as_near_as_the_farthest_allows() -> None:
    request = make_request(NIC, count=3, policy="preferred")
    assert nodes(host_of(FAR, NEAR, UNTOLD), request) == [0, None, 2]


def test_a_guest_without_cells_takes_devices_from_anywhere() -> None:
    assert chosen(host_of(FAR), make_request(NIC, policy="required")) == [("0000:03:00.0",)]


def test_too_few_devices_are_told() -> None:
    reason = refuse(host_of(NEAR), devices=(make_request(NIC, count=2),))
    assert reason == (
        "PCI devices needed for card: 2, free of that kind: 1, of these to be given: 1."
    )


@pytest.mark.parametrize(
    ("spec", "device", "fits"),
    [
        pytest.param({**NIC, "device_type": "type-PCI"}, {}, True, id="type"),
        pytest.param({**NIC, "device_type": "type-VF"}, {}, False, id="another type"),
        pytest.param({**NIC, "capability_type": "pci"}, {}, True, id="the only capability"),
        pytest.param({"vendor_id": "8086"}, {}, True, id="vendor alone"),
        pytest.param({**NIC, "product_id": "154C"}, {}, True, id="capitals"),
        pytest.param({**NIC, "product_id": "154d"}, {}, False, id="another product"),
        pytest.param({"physical_network": "a"}, {"physical_network": "A"}, True, id="network"),
        pytest.param({"physical_network": "a"}, {"physical_network": "b"}, False, id="another"),
        pytest.param({"physical_network": None}, {"physical_network": "a"}, False, id="no network"),
        pytest.param({"physical_network": None}, {}, True, id="none as asked"),
        pytest.param({"trusted": "True"}, {"trusted": True}, True, id="trusted"),
        pytest.param({"trusted": "True"}, {"trusted": False}, False, id="distrusted"),
        pytest.param({"trusted": "False"}, {}, False, id="nobody said whether trusted"),
        pytest.param({"rack": "Blue"}, {"tags": {"rack": "blue"}}, True, id="tag"),
        pytest.param({"rack": "blue"}, {}, False, id="no such tag"),
        pytest.param({"live_migratable": "true"}, {"live_migratable": True}, True, id="movable"),
        pytest.param({"live_migratable": "false"}, {}, False, id="nobody said whether movable"),
        pytest.param({"resource_class": "gpu"}, {"resource_class": "GPU"}, True, id="class"),
        pytest.param({"resource_class": "CUSTOM_PCI_8086_154C"}, {}, True, id="class of the ids"),
        pytest.param({**NIC, "resource_class": "gpu"}, {}, False, id="another class"),
        pytest.param({**NIC, "resource_class": "VGPU"}, {"resource_class": "VGPU"}, True, id="std"),
        pytest.param({**NIC, "traits": "fast, HW_GPU_API_VULKAN"}, {}, False, id="no traits"),
        pytest.param(
            {**NIC, "traits": "fast,HW_GPU_API_VULKAN"},
            {"traits": ["CUSTOM_FAST", "HW_GPU_API_VULKAN", "more"]},
            True,
            id="traits",
        ),
        pytest.param(
            {**NIC, "traits": "HW_PCI_LIVE_MIGRATABLE"},
            {"live_migratable": True},
            True,
            id="the trait of a movable one",
        ),
    ],
)
def test_a_device_must_be_of_the_kind_asked_for(
    spec: dict[str, Any], device: dict[str, Any], fits: bool
) -> None:
    host = make_host(devices=[make_device(1, **device)])
    found = fit_on_host(host, GuestDemand(devices=(make_request(spec),)))
    assert isinstance(found, GuestPlacement) == fits


def test_each_of_several_kinds_will_do() -> None:
    host = make_host(devices=[make_device(1)])
    assert chosen(host, make_request({**NIC, "product_id": "ffff"}, NIC)) == [("0000:01:00.0",)]


def test_devices_of_which_least_is_told_go_first() -> None:
    plain = make_device(2)
    host = make_host(devices=[make_device(1, tags={"rack": "blue"}), plain])
    assert chosen(host, make_request(NIC)) == [(plain["address"],)]


@pytest.mark.parametrize(
    ("device", "spec"),
    [
        ({"dev_type": "type-PF"}, {"device_type": "type-PF"}),
        ({"dev_type": "vdpa"}, {"dev_type": "vdpa"}),
        ({"dev_type": "type-VF", "remote_managed": True}, {"remote_managed": "True"}),
    ],
)
def test_special_devices_are_given_to_who_asks_for_them(
    device: dict[str, Any], spec: dict[str, str]
) -> None:
    host = make_host(devices=[make_device(1, **device)])
    refuse(host, devices=(make_request(NIC),))
    place(host, devices=(make_request({**NIC, **spec}),))


def test_a_function_and_its_whole_card_exclude_each_other() -> None:
    host = make_host(devices=make_nic(1))
    function = make_request(NIC)
    whole = make_request({**WHOLE_NIC, "device_type": "type-PF"})
    with_function = claim(host, place(host, devices=(function,)), holder="guest")
    refuse(with_function, devices=(whole,))
    place(with_function, devices=(function,))
    with_whole = claim(host, place(host, devices=(whole,)), holder="guest")
    refuse(with_whole, devices=(function,))
    refuse(host, devices=(function, whole))
    refuse(host, devices=(whole, function))


def test_a_guest_may_have_a_card_and_a_function_of_another() -> None:
    host = make_host(devices=[*make_nic(1), *make_nic(2)])
    whole = make_request({**WHOLE_NIC, "device_type": "type-PF"})
    groups = chosen(host, make_request(NIC), whole)
    assert groups == [("0000:01:02.0",), ("0000:02:00.0",)]


def test_reserved_devices_are_not_given() -> None:
    refuse(make_host(devices=[make_device(1, reserved=True)]), devices=(make_request(NIC),))


def test_a_card_with_a_reserved_function_is_not_given_as_a_whole() -> None:
    whole, function, other = make_nic(1)
    host = make_host(devices=[whole, {**function, "reserved": True}, other])
    refuse(host, devices=(make_request({**WHOLE_NIC, "device_type": "type-PF"}),))
    assert chosen(host, make_request(NIC)) == [(other["address"],)]


def test_functions_of_a_reserved_card_are_given() -> None:
    whole, *functions = make_nic(1)
    host = make_host(devices=[{**whole, "reserved": True}, *functions])
    assert chosen(host, make_request(NIC, count=2)) == [("0000:01:02.0", "0000:01:02.1")]


def test_earlier_requests_choose_first() -> None:
    """As in Nova: the first takes the device that the second alone could have used."""
    host = make_host(devices=[make_device(1), make_device(2, tags={"rack": "blue"})])
    any_nic, first_slot = make_request(NIC), make_request({**NIC, "rack": "blue"})
    assert chosen(host, any_nic, first_slot) == [("0000:01:00.0",), ("0000:02:00.0",)]
    refuse(host, devices=(make_request(NIC, count=2), first_slot))

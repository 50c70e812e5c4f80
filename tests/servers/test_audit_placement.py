"""``manage.py audit_placement``: finds and mends what is damaged."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from servers.models import (
    Allocation,
    ComputeNode,
    Consumer,
    HardwareClaim,
    Instance,
    Inventory,
    Migration,
    PciDevice,
    RequestSpec,
    ResourceProvider,
    VmState,
)
from tests.world.factories import make_instance
from tests.world.hosts import assert_hosts_add_up, held_by, hold, make_host

pytestmark = pytest.mark.django_db


def audit(*, fix: bool = False) -> tuple[int, list[str]]:
    """The exit code, and what was told."""
    out = io.StringIO()
    try:
        call_command("audit_placement", fix=fix, stdout=out)
    except CommandError as error:
        return error.returncode, [*out.getvalue().splitlines(), str(error)]
    return 0, out.getvalue().splitlines()


def assert_told(*words: str) -> None:
    """The audit fails, and some line has all of these words."""
    code, lines = audit()
    assert code == 1
    assert any(all(word in line for word in words) for line in lines), lines


def assert_mends() -> None:
    code, lines = audit(fix=True)
    assert code == 0, lines
    assert all(line.endswith("(mended)") for line in lines[:-1]), lines
    assert audit() == (0, ["every allocation is right"])
    assert_hosts_add_up()


@pytest.fixture
def node(cast: Any) -> ComputeNode:
    return make_host("host1")


def placed(node: ComputeNode, **fields: Any) -> Instance:
    """A server of 1 VCPU, 512 MiB and 1 GiB that lies on the host and holds that."""
    server = make_instance(host=node.service.host, node=node.hypervisor_hostname, **fields)
    RequestSpec.objects.create(instance=server, flavor=server.flavor)
    wanted = {
        "VCPU": server.vcpus,
        "MEMORY_MB": server.memory_mb,
        "DISK_GB": server.root_gb + server.ephemeral_gb,
    }
    hold(server, node, **wanted)
    return server


def test_a_sound_cloud_is_right(node: ComputeNode) -> None:
    placed(node)
    placed(node, vm_state=VmState.STOPPED)
    make_instance(vm_state=VmState.ERROR, host=None, node=None)
    assert audit() == (0, ["every allocation is right"])


def test_wrong_sums_are_counted_again(node: ComputeNode) -> None:
    placed(node)
    Inventory.objects.filter(provider=node.provider, resource_class="VCPU").update(used=7)
    ComputeNode.objects.filter(pk=node.pk).update(running_vms=3)
    assert_told("host1 counts 7 VCPU", "1 are held")
    assert_told("host1 counts 3 servers")
    assert_mends()


@pytest.mark.parametrize(
    "fields",
    [
        {"vm_state": VmState.ERROR, "host": None, "node": None},
        {"vm_state": VmState.SHELVED_OFFLOADED, "host": None, "node": None},
    ],
)
def test_what_is_held_for_a_server_on_no_host_is_given_back(
    node: ComputeNode, fields: dict[str, Any]
) -> None:
    server = placed(node)
    Instance.objects.filter(pk=server.pk).update(**fields)
    assert_told(str(server.uuid), "lies on no host")
    assert_mends()
    assert not Consumer.objects.exists()


def test_what_is_held_for_a_deleted_server_is_given_back(node: ComputeNode) -> None:
    server = placed(node)
    Instance.objects.filter(pk=server.pk).update(
        vm_state=VmState.DELETED, deleted_at=server.created_at
    )
    assert_told(str(server.uuid), "is deleted")
    assert_mends()
    assert not Allocation.objects.exists()


def test_what_a_server_lacks_is_taken(node: ComputeNode) -> None:
    server = placed(node)
    held = held_by(server)
    Consumer.objects.all().delete()
    assert_told(str(server.uuid), "holds nothing")
    assert_mends()
    assert held_by(server) == held


def test_wrong_amounts_are_taken_anew(node: ComputeNode) -> None:
    server = placed(node)
    held = held_by(server)
    Allocation.objects.filter(resource_class="MEMORY_MB").update(amount=7)
    assert_told(str(server.uuid), "holds", "7 MEMORY_MB", "asks for")
    assert_mends()
    assert held_by(server) == held


def test_what_is_held_of_another_host_is_moved(node: ComputeNode) -> None:
    server, other = placed(node), make_host("host2")
    Allocation.objects.update(provider=other.provider)
    assert_told(str(server.uuid), "lies on host1", "of host2")
    assert_mends()
    assert set(Allocation.objects.values_list("provider__name", flat=True)) == {"host1"}


def test_without_room_it_is_left_and_said(node: ComputeNode) -> None:
    server = placed(node)
    Consumer.objects.all().delete()
    Inventory.objects.filter(provider=node.provider).update(used=0)
    provider = ResourceProvider.objects.get(node=node)
    Inventory.objects.filter(provider=provider, resource_class="MEMORY_MB").update(total=1)
    code, lines = audit(fix=True)
    assert code == 1
    assert lines[-1] == "1 of 2 findings are left; cannot be mended here"
    assert not held_by(server)


def test_busy_servers_are_left_alone(node: ComputeNode) -> None:
    server = placed(node)
    Instance.objects.filter(pk=server.pk).update(task_state="rebooting")
    Allocation.objects.filter(resource_class="MEMORY_MB").delete()
    Inventory.objects.filter(resource_class="MEMORY_MB").update(used=0)
    assert audit() == (0, ["every allocation is right"])


def test_a_move_that_has_ended_holds_nothing(node: ComputeNode) -> None:
    server = placed(node)
    move = Migration.objects.create(
        instance=server,
        migration_type="migration",
        status="error",
        old_flavor=server.flavor,
        new_flavor=server.flavor,
        old_vm_state=VmState.ACTIVE,
        user_id="u",
        project_id=server.project_id,
    )
    Consumer.objects.create(
        uuid=move.uuid,
        consumer_type="MIGRATION",
        project_id=server.project_id,
        user_id="u",
        instance=server,
        migration=move,
    )
    assert_told(str(server.uuid), "has ended")
    assert_mends()
    assert Consumer.objects.get().instance == server


def test_a_consumer_in_the_name_of_a_server_is_forgotten(node: ComputeNode) -> None:
    server = placed(node)
    own = Consumer.objects.get()
    other = Consumer(uuid=server.uuid, project_id="p", user_id="u", consumer_type="unknown")
    Consumer.objects.filter(pk=own.pk).update(uuid=uuid.uuid4())
    other.save()
    Allocation.objects.create(
        consumer=other, provider=node.provider, resource_class="VCPU", amount=2
    )
    assert_told(str(server.uuid), "somebody else")
    assert_told(str(server.uuid), "stands under")
    assert_mends()
    assert Consumer.objects.get().uuid == server.uuid


def bind(server: Instance, node: ComputeNode, *, cpus: list[int], devices: list[str]) -> None:
    """Let the server have these CPUs and devices."""
    cell = {
        "id": 0,
        "host_cell": 0,
        "cpus": [],
        "pinning": {str(number): cpu for number, cpu in enumerate(cpus)},
        "emulator_cpus": [],
        "idle_cpus": [],
        "cpu_policy": "dedicated",
        "thread_policy": None,
        "memory_mb": 512,
        "page_size": None,
        "counted_page_size": None,
    }
    chosen = [{"name": "card", "addresses": devices}] if devices else []
    HardwareClaim.objects.create(
        consumer=server.consumers.get(),
        node=node,
        placement={"cells": [cell], "emulator_policy": None, "devices": chosen},
    )


def make_device(node: ComputeNode, address: str, holder: Instance | None = None) -> PciDevice:
    return PciDevice.objects.create(
        node=node,
        address=address,
        vendor_id="8086",
        product_id="1",
        dev_type="type-PCI",
        consumer=holder and holder.consumers.get(),
    )


def test_cpus_that_two_servers_have_are_found(node: ComputeNode) -> None:
    first, second = placed(node), placed(node)
    bind(first, node, cpus=[2, 3], devices=[])
    bind(second, node, cpus=[3, 4], devices=[])
    assert_told(str(second.uuid), "the CPUs 3 of host1")
    assert_mends()
    # nothing asks for CPUs of its own, so that the later one floats from now on
    assert HardwareClaim.objects.get().consumer.instance == first


def test_devices_belong_to_those_whose_claims_name_them(node: ComputeNode) -> None:
    first, second = placed(node), placed(node)
    bind(first, node, cpus=[], devices=["0000:81:00.0"])
    lost = make_device(node, "0000:81:00.0")
    idle = make_device(node, "0000:82:00.0", holder=second)
    assert_told(str(first.uuid), "0000:81:00.0", "does not count as its own")
    assert_told("0000:82:00.0", "no server has it")
    assert_mends()
    lost.refresh_from_db()
    idle.refresh_from_db()
    assert (lost.consumer, idle.consumer) == (first.consumers.get(), None)


def test_devices_that_two_servers_have_or_that_are_gone_are_found(node: ComputeNode) -> None:
    first, second, third = placed(node), placed(node), placed(node)
    make_device(node, "0000:81:00.0", holder=first)
    bind(first, node, cpus=[], devices=["0000:81:00.0"])
    bind(second, node, cpus=[], devices=["0000:81:00.0"])
    bind(third, node, cpus=[], devices=["0000:99:00.0"])
    assert_told(str(second.uuid), "0000:81:00.0", "another server has")
    assert_told(str(third.uuid), "0000:99:00.0", "not there")
    assert_mends()

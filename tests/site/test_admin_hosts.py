"""Services and aggregates in the admin: changed by the same functions as through the API."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from servers.models import (
    Aggregate,
    Allocation,
    Cell,
    ComputeNode,
    Consumer,
    Instance,
    InstanceAction,
    Inventory,
    ProviderTrait,
    ResourceProvider,
    Service,
)
from tests.world.cast import Cast
from tests.world.factories import make_instance
from tests.world.hosts import hold, make_host, make_zone
from tests.world.jobs import run_jobs
from tests.world.reservations import make_reservation
from tests.world.staff import operator, staff

SERVICES = reverse("admin:servers_service_changelist")
NODES = reverse("admin:servers_computenode_changelist")


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    return operator()


def url_of(operation: str, *services: Service) -> str:
    keys = "&".join(f"key={service.pk}" for service in services)
    return f"{reverse('admin:servers_service_operation', args=[operation])}?{keys}"


def act(client: Client, action: str, *services: Service, **values: str) -> list[str]:
    """Tick the services, choose the action and confirm; what the operator is told."""
    ticked = {"action": action, "_selected_action": [str(service.pk) for service in services]}
    response = client.post(SERVICES, ticked)
    assert response.url == url_of(action, *services)
    assert client.get(response.url).status_code == 200
    answer = client.post(response.url, values)
    assert answer.status_code == 302, answer.content.decode()
    return [str(message) for message in get_messages(answer.wsgi_request)]


@pytest.mark.parametrize(
    ("action", "disabled", "forced_down"),
    [
        ("disable", True, True),
        ("enable", False, True),
        ("force_down", False, True),
        ("let_up", False, False),
    ],
)
def test_services_are_changed_with_a_record(
    admin_site: Client, action: str, disabled: bool, forced_down: bool
) -> None:
    start = {"disabled": action == "enable", "forced_down": action != "force_down"}
    service = make_host(**start).service
    other = make_host("host2", **start).service
    act(admin_site, action, service, reason="repair")
    service.refresh_from_db()
    assert (service.disabled, service.forced_down) == (disabled, forced_down)
    assert service.disabled_reason == ("repair" if disabled else None)
    assert LogEntry.objects.get().object_id == str(service.pk)
    before = (other.disabled, other.forced_down)
    other.refresh_from_db()
    assert (other.disabled, other.forced_down) == before


def test_workers_of_the_site_are_not_changed(admin_site: Client) -> None:
    cell = Cell.objects.get(name="cell0")
    worker = Service.objects.create(host="c1", binary="nova-conductor", cell=cell)
    url = url_of("disable", worker)
    assert "No host that runs servers was chosen" in admin_site.get(url).content.decode()
    admin_site.post(url, {"reason": "x"})
    worker.refresh_from_db()
    assert not worker.disabled
    assert not LogEntry.objects.exists()


def test_who_may_only_look_changes_no_service(cast: Cast) -> None:
    service = make_host().service
    client = staff("servers.view_service", "servers.view_computenode")
    for name in ("disable", "force_down", "migrate_all", "evacuate"):
        assert client.get(url_of(name, service)).status_code == 403
        assert client.post(url_of(name, service), {"reason": "x"}).status_code == 403
    service.refresh_from_db()
    assert (service.disabled, service.forced_down) == (False, False)
    assert buttons(client, service.node) == []


def test_a_host_is_not_disabled_without_a_reason(admin_site: Client) -> None:
    service = make_host().service
    answer = admin_site.post(url_of("disable", service), {"reason": " "})
    assert "reason" in answer.context["form"].errors
    service.refresh_from_db()
    assert not service.disabled


def test_there_is_no_other_operation_of_hosts(admin_site: Client) -> None:
    assert admin_site.post(url_of("explode", make_host().service)).status_code == 404


def page_of_host(client: Client, node: ComputeNode) -> Any:
    return client.get(reverse("admin:servers_computenode_change", args=[node.pk]))


def buttons(client: Client, node: ComputeNode) -> list[str]:
    return [operation.name for operation in page_of_host(client, node).context["operations"]]


def test_the_page_of_a_host_shows_its_servers_and_what_can_be_done(admin_site: Client) -> None:
    node = make_host("host1")
    server = make_instance(host="host1", display_name="web")
    make_instance(host="host2", display_name="elsewhere")
    page = page_of_host(admin_site, node).content.decode()
    assert reverse("admin:servers_instance_change", args=[server.pk]) in page
    assert "elsewhere" not in page
    assert buttons(admin_site, node) == ["disable", "migrate_all", "force_down"]
    Service.objects.filter(pk=node.service.pk).update(forced_down=True, disabled=True)
    assert buttons(admin_site, node) == ["enable", "evacuate", "let_up"]


def test_servers_of_a_host_are_told_only_to_who_may_see_servers(cast: Cast) -> None:
    node = make_host("host1")
    make_instance(host="host1", display_name="secret-name")
    page = page_of_host(staff("servers.view_computenode"), node)
    assert "secret-name" not in page.content.decode()


def make_servers(*states: str) -> list[Instance]:
    """Servers on host1, and another host with room."""
    make_host("host1")
    servers = make_reservation(count=len(states))
    run_jobs()
    for server, state in zip(servers, states, strict=True):
        Instance.objects.filter(pk=server.pk).update(vm_state=state)
        server.refresh_from_db()
        assert server.host == "host1"
    make_host("host2")
    return servers


def test_all_servers_leave_a_host(admin_site: Client, cast: Cast) -> None:
    running, stopped, failed = make_servers("active", "stopped", "error")
    service = Service.objects.get(host="host1")
    told = act(admin_site, "migrate_all", service)
    assert told[0] == "Migrate all servers: host1, 2 of 3 servers."
    assert told[1].startswith(f"{failed.display_name}: ")
    run_jobs()
    for server, place, state in (
        (running, "host2", "active"),
        (stopped, "host2", "resized"),
        (failed, "host1", "error"),
    ):
        server.refresh_from_db()
        assert (server.host, server.vm_state, server.task_state) == (place, state, None)
    entry = LogEntry.objects.get()
    assert "2 of 3 servers" in entry.get_change_message()
    actions = InstanceAction.objects.filter(action__in=["live-migration", "migrate"])
    assert {action.user_id for action in actions} == {entry.user_id}


def test_a_host_that_is_down_is_evacuated(admin_site: Client) -> None:
    (server,) = make_servers("active")
    service = Service.objects.get(host="host1")
    (refused,) = act(admin_site, "evacuate", service)[1:]
    assert "has not failed" in refused
    act(admin_site, "force_down", service)
    assert act(admin_site, "evacuate", service) == ["Evacuate: host1, 1 of 1 servers."]
    run_jobs()
    server.refresh_from_db()
    assert (server.host, server.vm_state, server.task_state) == ("host2", "active", None)
    assert InstanceAction.objects.filter(instance=server, action="evacuate").count() == 1


def test_nodes_show_what_is_taken_of_what_may_be_given(admin_site: Client) -> None:
    make_host(vcpus=8, vcpus_used=8, memory_mb_used=1536, cpu_allocation_ratio=2.0)
    page = admin_site.get(NODES).content.decode()
    assert "8 of 16" in page
    assert "1.5 of 32 GiB" in page
    assert "0 of 1000 GiB" in page


def page_of(aggregate: Aggregate) -> str:
    return reverse("admin:servers_aggregate_change", args=[aggregate.pk])


def hosts_of(aggregate: Aggregate) -> list[str]:
    return sorted(aggregate.hosts.values_list("host", flat=True))


def test_an_aggregate_is_made_with_zone_and_hosts(admin_site: Client) -> None:
    service = make_host().service
    url = reverse("admin:servers_aggregate_add")
    assert admin_site.get(url).status_code == 200
    admin_site.post(url, {"name": "fast", "zone": "zone-a", "hosts": [service.pk]})
    aggregate = Aggregate.objects.get()
    assert (aggregate.name, aggregate.metadata) == ("fast", {"availability_zone": "zone-a"})
    assert hosts_of(aggregate) == ["host1"]
    assert LogEntry.objects.count() == 1


def test_an_aggregate_is_changed_and_its_other_metadata_stay(admin_site: Client) -> None:
    first, second = make_host("host1"), make_host("host2")
    aggregate = make_zone("zone-a", first)
    Aggregate.objects.update(metadata={"availability_zone": "zone-a", "ssd": "true"})
    data = {"name": "slow", "zone": "zone-b", "hosts": [second.service.pk], "more": "ssd=true"}
    assert admin_site.post(page_of(aggregate), data).status_code == 302
    aggregate.refresh_from_db()
    assert aggregate.name == "slow"
    assert aggregate.metadata == {"availability_zone": "zone-b", "ssd": "true"}
    assert hosts_of(aggregate) == ["host2"]


def test_what_the_api_refuses_is_refused_and_told(admin_site: Client) -> None:
    node = make_host("host1")
    make_zone("zone-a", node)
    other = make_zone("zone-b")
    data = {"name": "renamed", "zone": "zone-b", "hosts": [node.service.pk]}
    response = admin_site.post(page_of(other), data)
    assert response.url == page_of(other)
    (told,) = get_messages(response.wsgi_request)
    assert "zone-a already" in str(told)
    other.refresh_from_db()
    assert other.name == "aggregate of zone-b"
    assert hosts_of(other) == []
    assert not LogEntry.objects.exists()


def test_an_aggregate_with_hosts_is_not_deleted(admin_site: Client) -> None:
    aggregate = make_zone("zone-a", make_host())
    empty = make_zone("zone-b")
    for row in (aggregate, empty):
        url = reverse("admin:servers_aggregate_delete", args=[row.pk])
        admin_site.post(url, {"post": "yes"})
    assert list(Aggregate.objects.all()) == [aggregate]


def remove(client: Client, model: str, key: int) -> list[str]:
    """Ask for it, confirm it; what the operator is told."""
    url = reverse(f"admin:servers_{model}_delete", args=[key])
    assert client.get(url).status_code == 200
    answer = client.post(url, {"post": "yes"})
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_a_host_is_removed_when_nothing_is_left_on_it(admin_site: Client) -> None:
    busy, free = make_host("busy"), make_host("free")
    make_zone("zone-a", free)
    hold(make_instance(host="busy"), busy, VCPU=1)
    (told,) = remove(admin_site, "computenode", busy.pk)
    assert told.startswith("The host busy runs servers")
    remove(admin_site, "computenode", free.pk)
    assert list(ComputeNode.objects.all()) == [busy]
    assert list(Service.objects.computes().values_list("host", flat=True)) == ["busy"]


def test_a_provider_is_removed_when_nothing_needs_it(admin_site: Client) -> None:
    node = make_host("host1")
    root = node.provider
    used, free = (
        ResourceProvider.objects.create(name=name, parent=root) for name in ("used", "free")
    )
    used.inventories.create(resource_class="VGPU", total=1)
    consumer = Consumer.objects.create(project_id="p", user_id="u")
    Allocation.objects.create(consumer=consumer, provider=used, resource_class="VGPU", amount=1)
    for row, reason in ((root, "delete them first"), (used, "hold something")):
        (told,) = remove(admin_site, "resourceprovider", row.pk)
        assert reason in told
    remove(admin_site, "resourceprovider", free.pk)
    assert set(ResourceProvider.objects.filter(root=root)) == {root, used}


def test_nobody_removes_hosts_without_the_right_to(cast: Cast) -> None:
    node = make_host("host1")
    looker = staff("servers.view_computenode", "servers.change_computenode")
    url = reverse("admin:servers_computenode_delete", args=[node.pk])
    assert looker.post(url, {"post": "yes"}).status_code == 403
    assert ComputeNode.objects.filter(pk=node.pk).exists()


def test_servers_do_not_change_their_zone(admin_site: Client) -> None:
    aggregate = make_zone("zone-a", make_host("host1"))
    make_instance(host="host1")
    data = {"name": aggregate.name, "zone": "zone-a", "hosts": []}
    admin_site.post(page_of(aggregate), data)
    assert hosts_of(aggregate) == ["host1"]


def test_a_cell_is_disabled(admin_site: Client) -> None:
    cell = Cell.objects.get(name="cell1")
    url = reverse("admin:servers_cell_change", args=[cell.pk])
    admin_site.post(url, {"disabled": "on", "name": "other"})
    cell.refresh_from_db()
    assert (cell.name, cell.disabled) == ("cell1", True)


def test_the_metadata_of_an_aggregate_are_changed(admin_site: Client) -> None:
    node = make_host(vcpus=8)
    aggregate = make_zone("zone-a", node)
    Aggregate.objects.update(metadata={"availability_zone": "zone-a", "ssd": "true", "gone": "x"})
    assert "ssd=true" in admin_site.get(page_of(aggregate)).content.decode()
    data = {"name": aggregate.name, "zone": "zone-a", "hosts": [node.service.pk]}
    admin_site.post(page_of(aggregate), data | {"more": "ssd = false\n\ncpu_weight_multiplier=2"})
    aggregate.refresh_from_db()
    assert aggregate.metadata == {
        "availability_zone": "zone-a",
        "ssd": "false",
        "cpu_weight_multiplier": "2",
    }
    for bad in ("ssd", "a=1\na=2", "availability_zone=b", "ä=1", f"a={'x' * 256}"):
        answer = admin_site.post(page_of(aggregate), data | {"more": bad})
        assert answer.context["errors"], bad
    before = aggregate.metadata
    aggregate.refresh_from_db()
    assert aggregate.metadata == before


NEW_HOST = reverse("admin:servers_computenode_add")
MORE = """
traits: [CUSTOM_FAST]
inventories: {VCPU: {allocation_ratio: 2.0}}
hardware:
  cells: [{id: 0, shared_cpus: 0-3, dedicated_cpus: 4-7, memory_mb: 8192}]
  devices: [{address: '0000:3b:00.1', vendor_id: '8086', product_id: 154c}]
"""
SIZES = {"cell": "cell1", "vcpus": 4, "memory_mb": 8192, "local_gb": 100, "enabled": "on"}


def test_a_host_is_added_and_takes_servers(admin_site: Client) -> None:
    assert admin_site.get(NEW_HOST).status_code == 200
    admin_site.post(NEW_HOST, SIZES | {"name": "host1", "more": MORE})
    node = ComputeNode.objects.get()
    assert (node.service.host, node.service.is_up, node.driver) == ("host1", True, "fake")
    stock = Inventory.objects.get(provider__node=node, resource_class="VCPU")
    assert (stock.total, stock.free) == (4, 8)
    assert LogEntry.objects.get().object_id == str(node.pk)
    page = admin_site.get(reverse("admin:servers_computenode_change", args=[node.pk]))
    assert "dedicated_cpus" in page.content.decode()
    provider = reverse("admin:servers_resourceprovider_change", args=[node.provider.pk])
    assert provider in page.content.decode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"name": "host0"}, "There is a host host0 already."),
        ({"more": "[1"}, "This is neither YAML nor JSON"),
        ({"more": "[1]"}, "Give keys with values."),
        ({"more": "vcpus: 3"}, "vcpus: there are fields for that."),
        ({"more": "wishes: 3"}, "key wishes: is not known"),
        ({"vcpus": 3, "more": MORE}, "key vcpus: the cells of the hardware have 4 together"),
        ({"vcpus": ""}, "key vcpus: is required where the hardware has no cells"),
        ({"more": "inventories: {GPU: {total: 1}}"}, "is no resource class"),
        ({"cell": "cell0"}, "cell0 is not one of the available choices"),
    ],
)
def test_a_bad_host_is_not_added(admin_site: Client, data: dict[str, Any], told: str) -> None:
    make_host("host0")
    answer = admin_site.post(NEW_HOST, SIZES | {"name": "host1"} | data)
    assert told in html.unescape(answer.content.decode())
    assert ComputeNode.objects.count() == Service.objects.computes().count() == 1


def test_who_may_only_look_adds_no_host(cast: Cast) -> None:
    assert staff("servers.view_computenode").get(NEW_HOST).status_code == 403


def test_a_name_that_a_provider_has_is_told(admin_site: Client) -> None:
    make_host("host0")
    data = SIZES | {"name": "host1", "more": "hypervisor_hostname: host0"}
    response = admin_site.post(NEW_HOST, data)
    (told,) = get_messages(response.wsgi_request)
    assert "name host0" in str(told)
    assert ComputeNode.objects.count() == Service.objects.computes().count() == 1


class ProviderPage:
    """The form of a provider, filled in as it is shown."""

    def __init__(self, client: Client, node: ComputeNode) -> None:
        self.client = client
        self.url = reverse("admin:servers_resourceprovider_change", args=[node.provider.pk])
        page = client.get(self.url)
        assert page.status_code == 200
        [inline] = page.context["inline_admin_formsets"]
        self.rows = [form.initial["resource_class"] for form in inline.formset.initial_forms]
        self.data = {"trait_names": page.context["adminform"].form.initial["trait_names"]}
        forms = [*inline.formset.forms, inline.formset.management_form]
        for field in (field for form in forms for field in form):
            self.data[field.html_name] = "" if field.value() is None else field.value()
        for form in inline.formset.initial_forms:
            self.data[f"{form.prefix}-id"] = form.instance.pk

    def set(self, resource_class: str, **values: Any) -> None:
        number = self.rows.index(resource_class)
        self.data |= {f"inventories-{number}-{name}": value for name, value in values.items()}

    def add(self, resource_class: str, **values: Any) -> None:
        number = len(self.rows)
        self.rows.append(resource_class)
        usual = {"reserved": 0, "min_unit": 1, "max_unit": 9, "step_size": 1}
        row = {"resource_class": resource_class, "allocation_ratio": 1.0, **usual, **values}
        self.data |= {f"inventories-{number}-{name}": value for name, value in row.items()}
        self.data["inventories-TOTAL_FORMS"] = number + 1

    def send(self) -> Any:
        return self.client.post(self.url, self.data)


def test_ratios_reserves_and_traits_are_changed(admin_site: Client) -> None:
    node = make_host(vcpus=8, traits=frozenset(("CUSTOM_OLD",)))
    generation = node.provider.generation
    page = ProviderPage(admin_site, node)
    page.set("VCPU", allocation_ratio=2.0)
    page.set("MEMORY_MB", reserved=1024)
    page.add("CUSTOM_LICENSE", total=9)
    page.data["trait_names"] = page.data["trait_names"].replace("CUSTOM_OLD", "CUSTOM_NEW")
    assert page.send().status_code == 302
    node.refresh_from_db()
    assert (node.free_vcpus, node.free_memory_mb) == (16, 31744)
    held = ProviderTrait.objects.filter(provider=node.provider, trait__startswith="CUSTOM")
    assert list(held.values_list("trait", flat=True)) == ["CUSTOM_NEW"]
    assert Inventory.objects.get(resource_class="CUSTOM_LICENSE").total == 9
    node.provider.refresh_from_db()
    assert node.provider.generation == generation + 1
    again = ProviderPage(admin_site, node)
    again.set("CUSTOM_LICENSE", DELETE="on")
    again.send()
    assert not Inventory.objects.filter(resource_class="CUSTOM_LICENSE").exists()
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"reserved": 9}, "class VCPU: key reserved: 9 of 8"),
        ({"allocation_ratio": 0}, "key allocation_ratio: give a number above 0"),
        ({"min_unit": 0}, "key min_unit: give a whole number from 1"),
        ({"min_unit": 5, "max_unit": 4}, "class VCPU: key max_unit: 4 is less"),
        ({"total": -1}, "greater than or equal to 0"),
    ],
)
def test_a_bad_inventory_is_not_saved(admin_site: Client, row: dict[str, Any], told: str) -> None:
    node = make_host(vcpus=8)
    page = ProviderPage(admin_site, node)
    page.set("VCPU", **row)
    page.data["trait_names"] += "\nCUSTOM_NEW"
    assert told in html.unescape(page.send().content.decode())
    assert not ProviderTrait.objects.filter(trait="CUSTOM_NEW").exists()
    assert Inventory.objects.get(resource_class="VCPU").free == 32


def test_a_class_or_trait_that_does_not_exist_is_not_saved(admin_site: Client) -> None:
    page = ProviderPage(admin_site, make_host(vcpus=8))
    page.add("GPU", total=1)
    assert "is no resource class" in html.unescape(page.send().content.decode())
    page = ProviderPage(admin_site, ComputeNode.objects.get())
    page.data["trait_names"] += "\nFAST"
    assert "is no trait" in html.unescape(page.send().content.decode())


def test_what_servers_hold_is_not_taken_in_the_admin(admin_site: Client) -> None:
    node = make_host(vcpus=8)
    hold(make_instance(host="host1", node="host1"), node, VCPU=6)
    page = ProviderPage(admin_site, node)
    page.set("VCPU", total=1, max_unit=1)
    response = page.send()
    (told,) = get_messages(response.wsgi_request)
    assert "Servers hold 6 VCPU of host1, which shall give 4 at most" in str(told)
    assert Inventory.objects.get(resource_class="VCPU").total == 8
    assert not LogEntry.objects.exists()


def test_who_may_only_look_changes_no_provider(cast: Cast) -> None:
    node = make_host(vcpus=8)
    looker = staff("servers.view_resourceprovider")
    url = reverse("admin:servers_resourceprovider_change", args=[node.provider.pk])
    assert looker.get(url).status_code == 200
    assert looker.post(url, {"trait_names": ""}).status_code == 403

"""Every list and page of the admin: it opens, searches, and costs the same for many rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from servers.models import (
    Aggregate,
    Allocation,
    BlockDevice,
    BuildRequest,
    Cell,
    ComputeNode,
    HostAgent,
    HostOrder,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    InstanceMapping,
    KeptRequest,
    KeyPair,
    Migration,
    PciDevice,
    RequestSpec,
    ResourceProvider,
    ServerFault,
    ServerGroup,
    ServerGroupMember,
    Service,
    Tag,
)
from servers.placement import fit
from tests.world.cast import ALPHA, Cast
from tests.world.factories import make_instance, make_order, make_project, number
from tests.world.hosts import hold, make_host
from tests.world.staff import operator, staff

Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]
MODELS = [
    *(
        Aggregate,
        Allocation,
        BlockDevice,
        BuildRequest,
        KeptRequest,
        Cell,
        ComputeNode,
        HostAgent,
        HostOrder,
        PciDevice,
        ResourceProvider,
        ServerFault,
    ),
    *(InstanceAction, InstanceMapping, KeyPair, Migration, RequestSpec, ServerGroup, Service, Tag),
    Instance,
]
READ_ONLY = sorted(
    set(MODELS) - {Aggregate, Cell, ComputeNode, Instance, ResourceProvider, Service},
    key=lambda model: model.__name__,
)


def url_of(model: type[Model], page: str, *key: object) -> str:
    return reverse(f"admin:servers_{model._meta.model_name}_{page}", args=key)


def make_rows(cast: Cast) -> None:
    """One more row of each model."""
    unique = number()
    server = make_instance(host=f"rack{unique}")
    node = make_host(f"rack{unique}")
    of_server = {"instance": server}
    owner = {"project_id": ALPHA, "user_id": cast.member.user_id}
    order = make_order(tags=["blue"])
    KeptRequest.objects.create(**of_server, order={"admin_password": "sealed-text"})
    RequestSpec.objects.create(**of_server, flavor=server.flavor, scheduler_hints={"a": ["b"]})
    cell = Cell.objects.create(name=f"cell-{unique}")
    InstanceMapping.objects.create(instance=order.instance, cell=cell, **owner)
    hold(server, node)
    device = {"address": "0000:3b:00.1", "vendor_id": "8086", "product_id": "154c"}
    described = fit.PciDevice(**device).as_json()
    consumer = server.consumers.get()
    PciDevice.objects.create(node=node, consumer=consumer, **device, description=described)
    BlockDevice.objects.create(**of_server, volume_id="v", connection_info="secret-of-volume")
    Tag.objects.create(**of_server, tag="blue")
    flavors = {"old_flavor": server.flavor, "new_flavor": server.flavor}
    Migration.objects.create(**of_server, **flavors, **owner, status="done")
    ServerFault.objects.create(**of_server, message="broken")
    action = InstanceAction.objects.create(**of_server, action="reboot", request_id="r", **owner)
    InstanceActionEvent.objects.create(action=action, event="compute_reboot_instance")
    group = ServerGroup.objects.create(name="apart", policy="affinity", **owner)
    ServerGroupMember.objects.create(group=group, instance=server)
    KeyPair.objects.create(user_id=cast.member.user_id, name=f"key-{unique}", fingerprint="aa:bb")
    digest = f"{unique:064d}"
    agent = HostAgent.objects.create(service=node.service, token_digest=digest)
    HostOrder.objects.create(
        agent=agent,
        server_id=str(server.uuid),
        task="spawn",
        sealed="sealed-text",
        not_after=timezone.now(),
    )
    aggregate = Aggregate.objects.create(name=f"fast-{unique}", metadata={"ssd": "true"})
    aggregate.hosts.add(node.service)


def test_a_list_costs_the_same_for_many_rows(cast: Cast, statements: Statements) -> None:
    client = operator()

    def cost_of(model: type[Model], rows: int) -> int:
        with statements() as seen:
            page = client.get(url_of(model, "changelist"))
        assert len(page.context["cl"].result_list) >= rows
        return len(seen)

    make_rows(cast)
    client.get(url_of(Instance, "changelist"))  # content types are read once a process
    few = {model.__name__: cost_of(model, 1) for model in MODELS}
    for _ in range(20):
        make_rows(cast)
    assert {model.__name__: cost_of(model, 20) for model in MODELS} == few


@pytest.mark.parametrize("model", MODELS)
def test_lists_can_be_searched_and_rows_have_pages(cast: Cast, model: type[Model]) -> None:
    client = operator()
    make_rows(cast)
    for word in ("blue", "10.0.0.1", "5f5a0000-0000-4000-8000-000000000001", "7"):
        assert client.get(url_of(model, "changelist"), {"q": word}).status_code == 200
    for row in model._default_manager.all():
        response = client.get(url_of(model, "change", row.pk))
        assert response.status_code == 200
        page = response.content.decode()
        assert "sealed-text" not in page
        assert "secret-of-volume" not in page


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_only_the_site_writes_cannot_be_changed(cast: Cast, model: type[Model]) -> None:
    client = operator()
    make_rows(cast)
    row = model._default_manager.latest("pk")
    assert client.get(url_of(model, "add")).status_code == 403
    assert client.post(url_of(model, "change", row.pk), {}).status_code == 403
    assert client.post(url_of(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_nobody_sees_rows_without_the_right_to(cast: Cast, model: type[Model]) -> None:
    make_rows(cast)
    url = url_of(model, "changelist")
    assert (
        staff("servers.view_instance" if model is Tag else "servers.view_tag").get(url).status_code
        == 403
    )
    assert staff(f"servers.view_{model._meta.model_name}").get(url).status_code == 200


def test_search_finds_what_belongs_to_a_server(cast: Cast) -> None:
    client = operator()
    make_rows(cast)
    server = Tag.objects.get().instance
    make_rows(cast)
    for model in (BlockDevice, ServerFault, InstanceAction, Migration, RequestSpec, Tag):
        found = client.get(url_of(model, "changelist"), {"q": str(server.uuid)})
        rows = found.context["cl"].result_list
        assert [row.instance_id for row in rows] == [server.pk], model


def test_every_list_of_the_site_opens(cast: Cast) -> None:
    client = operator()
    make_project()
    for model in admin.site._registry:
        meta = model._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        assert client.get(url).status_code == 200, url


def test_allocations_name_their_servers(cast: Cast) -> None:
    server = make_instance(host="rack-of-names")
    hold(server, make_host("rack-of-names"))
    link = f'<a href="{url_of(Instance, "change", server.pk)}">{server}</a>'
    client = operator()
    assert link in client.get(url_of(Allocation, "changelist")).content.decode()
    allocation = Allocation.objects.filter(consumer__instance=server)[0]
    assert link in client.get(url_of(Allocation, "change", allocation.pk)).content.decode()


def test_permissions_say_server(db: None) -> None:
    named = Permission.objects.filter(content_type__app_label="servers", name__startswith="Can ")
    held = named.filter(codename="change_instance")
    assert held.update(name="Can change instance") == 1  # as an older version called it
    migration = import_module("servers.migrations.0019_one_word_for_servers")
    with connection.schema_editor() as editor:
        migration.rename_permissions(apps, editor)
    assert held.get().name == "Can change server"
    assert not named.filter(name__contains="instance").exists()

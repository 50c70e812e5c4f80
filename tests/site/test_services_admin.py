"""The admin of the services: every page opens, and a list costs the same for one row and many."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from compute_site.identity.models import Project
from compute_site.neighbours.image.models import (
    Image,
    ImageMember,
    MetadefObject,
    MetadefProperty,
    MetadefTag,
    ResourceTypeAssociation,
)
from compute_site.neighbours.image.models import Quota as ImageQuota
from compute_site.neighbours.network.models import (
    FixedIp,
    Network,
    Port,
    PortBinding,
    QosRule,
    Quota,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.volume.models import (
    Attachment,
    Snapshot,
    Volume,
    VolumeType,
    VolumeTypeAccess,
)
from compute_site.neighbours.volume.models import Quota as VolumeQuota
from tests.world.cast import Cast
from tests.world.services import make_network, make_port


@pytest.fixture
def operator(client: Client, cast: Cast) -> Client:
    client.force_login(cast.admin.user)
    return client


def make_row_of_each(number: int) -> None:
    """One row of every model, all in a project of their own."""
    project = Project.objects.create(name=f"project-{number}")
    Image.objects.create(name=f"image-{number}", owner=project)
    network = make_network(project, "10.1.0.0/24")
    port = make_port(network)
    port.security_groups.add(SecurityGroup.objects.create(name="web", project=project))
    FixedIp.objects.create(
        port=port, network=network, subnet=network.subnets.get(), address="10.1.0.5"
    )
    Quota.objects.create(project=project, resource="port", limit=number)
    VolumeQuota.objects.create(project=project, resource="gigabytes", limit=number)
    ImageQuota.objects.create(project=project, resource="image_count_total", limit=number)
    kind = VolumeType.objects.create(name=f"type-{number}")
    volume = Volume.objects.create(project=project, size=1, volume_type=kind)
    Snapshot.objects.create(project=project, volume=volume, size=1)
    Attachment.objects.create(volume=volume, server_id=uuid.uuid4())


QUOTAS = (Quota, VolumeQuota, ImageQuota)
MODELS = (Image, Network, Subnet, Port, SecurityGroup, VolumeType, Volume, Snapshot, *QUOTAS)


def url_of(model: type[Model], page: str, *args: Any) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


STANDS_WITH_ITS_PARENT = (
    *(FixedIp, PortBinding, QosRule, SecurityGroupRule),
    *(ImageMember, VolumeTypeAccess),
    *(MetadefObject, MetadefProperty, MetadefTag, ResourceTypeAssociation),
)


@pytest.mark.parametrize("label", ["image", "network", "volume"])
def test_every_model_is_in_the_admin(label: str) -> None:
    missing = [
        model.__name__
        for model in apps.get_app_config(label).get_models()
        if not admin.site.is_registered(model) and model not in STANDS_WITH_ITS_PARENT
    ]
    assert missing == []


@pytest.mark.parametrize("model", [*MODELS, Attachment], ids=lambda model: model.__name__)
def test_a_list_costs_the_same_for_one_row_and_many(operator: Client, model: type[Model]) -> None:
    counts = []
    make_row_of_each(0)
    operator.get(url_of(model, "changelist"))
    for numbers in ([], range(1, 6)):
        for number in numbers:
            make_row_of_each(number)
        with CaptureQueriesContext(connection) as seen:
            answer = operator.get(url_of(model, "changelist"))
        assert answer.status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_row_can_be_looked_for_opened_and_added(operator: Client, model: type[Model]) -> None:
    make_row_of_each(0)
    row = model._default_manager.latest("pk")
    assert operator.get(url_of(model, "changelist"), {"q": "project"}).status_code == 200
    assert operator.get(url_of(model, "changelist"), {"q": str(row.pk)}).status_code == 200
    assert operator.get(url_of(model, "change", row.pk)).status_code == 200
    assert operator.get(url_of(model, "add")).status_code == 200


@pytest.mark.parametrize("model", QUOTAS, ids=lambda model: model._meta.app_label)
def test_a_limit_is_changed_in_the_list(operator: Client, model: type[Model]) -> None:
    make_row_of_each(3)
    quota: Any = model._default_manager.get()
    shown = operator.get(url_of(model, "changelist")).content.decode()
    used = 2 if model is VolumeQuota else 1  # a volume and its snapshot, of one GiB each
    assert f'<td class="field-used">{used}</td>' in shown
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": quota.pk,
        "form-0-limit": "9",
        "_save": "Save",
    }
    assert operator.post(url_of(model, "changelist"), form).status_code == 302
    quota.refresh_from_db()
    assert quota.limit == 9


def test_the_limit_of_a_type_of_volumes_is_shown_with_its_use(operator: Client) -> None:
    make_row_of_each(3)
    volume = Volume.objects.get()
    VolumeQuota.objects.update(resource="gigabytes_type-3")
    VolumeQuota.objects.create(project=volume.project, resource="volumes_none", limit=5)
    shown = operator.get(url_of(VolumeQuota, "changelist")).content.decode()
    for used in (2, 0):
        assert f'<td class="field-used">{used}</td>' in shown


def test_routers_name_the_network_of_their_gateway(operator: Client) -> None:
    project = Project.objects.create(name="of-routers")
    gateway = make_port(make_network(project, name="uplink-of-all", external=True))
    router = Router.objects.create(project=project, name="out", gateway=gateway)
    for url in (
        reverse("admin:network_router_changelist"),
        reverse("admin:network_router_change", args=[router.pk]),
    ):
        assert "uplink-of-all" in operator.get(url).content.decode()

"""Every form of the admin that is not one of an API's own (``test_admin_api_pages``) takes nonsense
without breaking, and stores nothing that its model does not allow.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from compute_site.console.api_pages import ApiAdmin
from compute_site.identity.models import (
    Consumer,
    Domain,
    Endpoint,
    EndpointGroup,
    EndpointOfProject,
    ImpliedRole,
    Limit,
    NamedRole,
    PolicyAssociation,
    Region,
    RegisteredLimit,
    RoleAssignment,
    Service,
    StoredPolicy,
    UserGroup,
)
from compute_site.neighbours.image.models import Quota as ImageQuota
from compute_site.neighbours.network.models import Quota as NetworkQuota
from compute_site.neighbours.volume.group_models import GroupType
from compute_site.neighbours.volume.models import ClassQuota, DefaultType, VolumeType
from compute_site.neighbours.volume.models import Quota as VolumeQuota
from compute_site.neighbours.volume.qos_models import QosSpecs
from compute_site.secrets.sealing import seal
from quotas.models import Limit as QuotaLimit
from servers.admin.host_operations import HOST_OPERATIONS
from servers.admin.operations import OPERATIONS
from servers.models import Cell, ResourceProvider
from tests.site.test_admin_poison import given_by, management, name_of, url_of
from tests.world.cast import ALPHA, Cast
from tests.world.factories import make_flavor, make_instance, make_project, make_user
from tests.world.hosts import make_host, make_zone
from tests.world.staff import operator

NONSENSE = ("banana", "-7", '{"a": [1]}', "9" * 40)
PAGES = sorted(
    (
        (model, page)
        for model, page in admin.site._registry.items()
        if not isinstance(page, ApiAdmin)
    ),
    key=lambda item: item[0]._meta.label,
)
IDS = [model._meta.label for model, _ in PAGES]


@pytest.fixture
def rows(cast: Cast) -> dict[type[Model], Model]:
    """A row of each kind that has a form."""
    node = make_host("host1")
    cell = Cell.objects.get(name="cell1")
    made: list[Model] = [
        *(make_flavor(), make_project(), make_user(), Group.objects.create(name="auditors")),
        *(make_zone("zone-a", node), cell, ResourceProvider.objects.get(node=node)),
        kind := VolumeType.objects.create(name="fast"),
        QosSpecs.objects.create(name="gentle"),
        GroupType.objects.create(name="loose"),
        ClassQuota.objects.create(quota_class="default", resource="volumes", limit=3),
        DefaultType.objects.create(project_id=ALPHA, volume_type=kind),
        *(
            quota.objects.create(project_id=ALPHA, resource=resource, limit=3)
            for quota, resource in (
                (NetworkQuota, "network"),
                (VolumeQuota, "volumes"),
                (ImageQuota, "image_count_total"),
            )
        ),
        *identity_rows(),
    ]
    return {type(row): row for row in made}


def identity_rows() -> list[Model]:
    domain = Domain.objects.create(name="own")
    group, role = UserGroup.objects.create(name="crew"), NamedRole.objects.create(name="own")
    service, region = Service.objects.create(type="dns"), Region.objects.create(id="far")
    registered = RegisteredLimit.objects.create(
        service=service, resource_name="zones", default_limit=1
    )
    return [
        *(domain, group, role, service, region, registered),
        endpoint := Endpoint.objects.create(service=service, interface="public", url="http://dns"),
        EndpointGroup.objects.create(name="inner", interface="admin"),
        EndpointOfProject.objects.create(project_id=ALPHA, endpoint=endpoint),
        policy := StoredPolicy.objects.create(type="text", blob="x"),
        PolicyAssociation.objects.create(policy=policy, endpoint=endpoint),
        Consumer.objects.create(description="x", sealed_secret=seal("x")),
        Limit.objects.create(registered=registered, project_id=ALPHA, resource_limit=2),
        ImpliedRole.objects.create(prior=role, implied=NamedRole.objects.create(name="other")),
        RoleAssignment.objects.create(key="one", role=role, group=group, domain=domain),
    ]


def test_the_kinds_of_rows_are_those_with_forms(rows: dict[type[Model], Model]) -> None:
    """A new form needs a row above, or a test of its own."""
    client, found = operator(), set()
    for model, page in PAGES:
        row = rows.get(model)
        request: Any = client.get("/admin/").wsgi_request
        if page.has_add_permission(request) or page.has_change_permission(request, row or model()):
            found.add(model)
    others = {"servers.Instance", "quotas.ProjectQuota", "servers.ComputeNode"}
    assert {m._meta.label for m in found - set(rows)} - others == {"policy.RuleDefault"}


def form_of(client: Client, url: str) -> tuple[dict[str, Any], list[str]]:
    """What the form sends when nobody changes anything, and the names of its fields."""
    page: Any = client.get(url)
    assert page.status_code == 200
    form = page.context["adminform"].form
    inlines = page.context["inline_admin_formsets"]
    sent = given_by(form) | management(inlines)
    names = [name_of(bound) for bound in form]
    for inline in inlines:
        for part in inline.formset.initial_forms:
            sent |= given_by(part)
            names += [name_of(bound) for bound in part if not bound.is_hidden]
    return sent, names


@pytest.mark.parametrize(("model", "page"), PAGES, ids=IDS)
def test_nonsense_in_a_field_is_refused_or_means_something(
    rows: dict[type[Model], Model], model: type[Model], page: Any
) -> None:
    client, row = operator(), rows.get(model)
    request: Any = client.get("/admin/").wsgi_request
    if row is not None and page.has_change_permission(request, row):
        url = url_of(model, "change", row.pk)
        sound, names = form_of(client, url)
        for name, word in zip(names, itertools.cycle(NONSENSE), strict=False):
            answer = client.post(url, sound | {name: word})
            assert answer.status_code in (200, 302), (name, word)
            model._default_manager.get(pk=row.pk).clean_fields(exclude=["password"])
    if page.has_add_permission(request) and model in rows:
        new = url_of(model, "add")
        sound, names = form_of(client, new)
        before = set(model._default_manager.values_list("pk", flat=True))
        for word in NONSENSE[:3]:
            answer = client.post(new, sound | dict.fromkeys(names, word))
            assert answer.status_code in (200, 302), word
        for made in model._default_manager.exclude(pk__in=before):
            made.clean_fields(exclude=["password"])


@pytest.mark.parametrize("word", [*NONSENSE, "x" * 300])
def test_nonsense_in_limits_is_refused(cast: Cast, word: str) -> None:
    client = operator()
    for name, key in (("quotas_projectquota_change", ALPHA), ("quotas_class_change", "default")):
        url = reverse(f"admin:{name}", args=[key])
        names = list(client.get(url).context["form"].fields)
        sent = dict.fromkeys(names, word)
        users = {"users-TOTAL_FORMS": "1", "users-INITIAL_FORMS": "0"}
        users |= {f"users-0-{name}": word for name in ("user", "resource", "limit")}
        answer = client.post(url, sent | users)
        assert answer.status_code == 200
        assert answer.context["form"].errors
    assert not QuotaLimit.objects.exists()


@pytest.mark.parametrize("word", [*NONSENSE, "x" * 300])
def test_nonsense_asked_of_an_operation_is_refused(cast: Cast, word: str) -> None:
    """Of the form, or by the function: nothing breaks, and a lock's reason may be any word."""
    client, node, server = operator(), make_host("host1"), make_instance()
    for kind, operations, key in (
        ("instance", OPERATIONS, server.pk),
        ("service", HOST_OPERATIONS, node.service.pk),
    ):
        for operation in operations.values():
            if operation.form.base_fields:
                url = reverse(f"admin:servers_{kind}_operation", args=[operation.name])
                sent = dict.fromkeys(operation.form.base_fields, word)
                assert client.post(f"{url}?key={key}", sent).status_code in (200, 302)

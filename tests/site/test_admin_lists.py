"""No list of the admin reads more than its page: filters, counts, links and columns."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ListFilter, ShowFacets
from django.contrib.admin.options import ModelAdmin
from django.db import models, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from compute_site.console.lists import BoundedPaginator, word_filter
from compute_site.identity.models import User
from servers.models import Instance
from tests.benchmarks.rows import fill_site
from tests.world.cast import Cast
from tests.world.factories import (
    make_flavor,
    make_instance,
    make_network,
    make_port,
    make_project,
    make_user,
)
from tests.world.staff import operator

Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]
OWN_PAGES = {"servers.Instance", "quotas.ProjectQuota"}
PAGES = sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label)
LISTS = [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m, _ in PAGES]
BOUNDED = (models.BooleanField, models.DateField)


def is_bounded(model: type[models.Model], entry: Any) -> bool:
    if isinstance(entry, type) and issubclass(entry, ListFilter):
        return True
    if not isinstance(entry, str):
        return False
    field: Any = None
    for part in entry.split("__"):
        field = model._meta.get_field(part)
        model = field.related_model or model
    return isinstance(field, BOUNDED) or bool(field.choices)


@pytest.mark.parametrize(("model", "page"), PAGES, ids=[m._meta.label for m, _ in PAGES])
def test_a_list_has_no_unbounded_query(model: type[models.Model], page: ModelAdmin[Any]) -> None:
    """A filter by a column without choices would list all its values; a full count reads all."""
    assert [entry for entry in page.list_filter if not is_bounded(model, entry)] == []
    assert page.paginator is BoundedPaginator
    assert page.show_facets is ShowFacets.NEVER
    assert not page.show_full_result_count
    assert page.list_max_show_all <= 200


@pytest.mark.parametrize(("model", "page"), PAGES, ids=[m._meta.label for m, _ in PAGES])
def test_no_form_offers_all_rows_of_a_table(model: type[models.Model], page: Any) -> None:
    safe = {*page.autocomplete_fields, *page.raw_id_fields, *page.filter_horizontal}
    for inline in page.inlines:
        safe |= {*inline.autocomplete_fields, *(inline.readonly_fields or ())}
    request: Any = type("Request", (), {"user": User(is_superuser=True, is_active=True)})()
    if model._meta.label in OWN_PAGES:
        return  # without a form of Django's
    if not (page.has_add_permission(request) or page.has_change_permission(request, model())):
        return
    read_only = set(page.get_readonly_fields(request))
    relations = {
        field.name
        for field in (*model._meta.fields, *model._meta.many_to_many)
        if field.is_relation and field.editable
    }
    shown = {name for name in page.get_fields(request) if isinstance(name, str)}
    assert (relations & shown) - read_only - safe - {"permissions"} == set()


def cost_of_lists(statements: Statements) -> dict[str, int]:
    client = operator()
    costs = {}
    for url in LISTS:
        client.get(url)
        with statements() as seen:
            assert client.get(url).status_code == 200, url
        costs[url] = len(seen)
    return costs


def test_every_list_costs_the_same_for_3_and_30_rows(cast: Cast, statements: Statements) -> None:
    project = make_project("lists")
    make_user("lists", project=project)
    make_flavor(name="m1.tiny")
    network = make_network(name="wide")
    network.subnets.update(name="wide")
    costs = []
    for count in (3, 30):
        with transaction.atomic():
            fill_site(count)
            assert Instance.objects.count() == count
            costs.append(cost_of_lists(statements))
            transaction.set_rollback(True)
    assert costs[0] == costs[1]


def test_a_count_stops_at_the_bound(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compute_site.console.lists.MOST_ROWS", 2)
    for _ in range(4):
        make_instance()
    page = operator().get(reverse("admin:servers_instance_changelist"))
    assert page.context["cl"].result_count == 2


def test_dependants_are_counted_for_each_row(cast: Cast) -> None:
    network, empty = make_network(), make_network()
    for _ in range(2):
        make_port(network)
    page = operator().get(reverse("admin:network_network_changelist"))
    counts = {row.pk: row.counted_rows for row in page.context["cl"].result_list}
    assert counts == {network.pk: 2, empty.pk: 0}


@pytest.mark.parametrize("word", ["wide", "no-such-thing", "\0", "5f5a"])
def test_any_word_can_be_typed_into_a_filter(cast: Cast, word: str) -> None:
    client = operator()
    network = make_network(name="wide")
    port = make_port(network)
    answer = client.get(reverse("admin:network_port_changelist"), {"network": word})
    assert answer.status_code == 200
    found = [row.pk for row in answer.context["cl"].result_list]
    assert found == ([port.pk] if word in ("wide", "\0") else [])


def test_a_filter_is_named_by_its_title() -> None:
    assert word_filter("version of IP", "ip_version").parameter_name == "version_of_IP"

"""What the admin does not show cannot be found out from it: no list is filtered, searched or
ordered by a column that is hidden.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import Model
from django.test import RequestFactory
from django.urls import reverse

from compute_site.console.lists import ListAdmin
from compute_site.identity.models import User
from tests.world.cast import Cast
from tests.world.factories import make_instance
from tests.world.staff import operator

PAGES = sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label)
SECRETS = {
    "identity.User": ("password",),
    "identity.Token": ("digest",),
    "identity.ApplicationCredential": ("secret_hash",),
    "servers.Instance": ("user_data", "key_data", "system_metadata", "metadata"),
    "servers.BuildRequest": ("admin_password", "injected_files"),
    "servers.KeptRequest": ("order",),
    "servers.BlockDevice": ("connection_info",),
    "servers.ConsoleToken": ("digest",),
    "procrastinate.ProcrastinateJob": ("args",),
}
ENDS = ("", "__startswith", "__contains", "__gt", "__lt", "__regex", "__isnull", "__in")
LABELS = [model._meta.label for model, _ in PAGES]


def columns(model: type[Model], depth: int = 1) -> list[str]:
    """Paths of the columns of a table, and of those that it leads to."""
    found = []
    for field in model._meta.get_fields():
        if getattr(field, "concrete", False):
            found.append(field.name)
        if depth and field.is_relation and isinstance(field.related_model, type):
            found += [f"{field.name}__{name}" for name in columns(field.related_model, depth - 1)]
    return found


@pytest.mark.parametrize(("model", "page"), PAGES, ids=LABELS)
def test_a_list_is_filtered_by_what_its_filters_offer_and_nothing_else(
    model: type[Model], page: ModelAdmin[Any]
) -> None:
    assert isinstance(page, ListAdmin)
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    filters: list[Any] = list(page.get_list_filter(request))
    offered = {entry for entry in filters if isinstance(entry, str)}
    words = {entry.parameter_name for entry in filters if not isinstance(entry, str)}
    open_to_all = {
        path
        for path in columns(model)
        for end in ENDS
        if f"{path}{end}" not in words and page.lookup_allowed(f"{path}{end}", "x", request)
    }
    assert open_to_all == {path for path in columns(model) if path in offered}


@pytest.mark.parametrize("label", SECRETS)
def test_no_secret_is_looked_for(cast: Cast, label: str) -> None:
    page = next(page for model, page in PAGES if model._meta.label == label)
    url = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    client = operator()
    for secret in SECRETS[label]:
        named = [
            str(name) for name in (*page.search_fields, *page.list_filter, *(page.ordering or ()))
        ]
        named += [
            getattr(getattr(page, name, None), "admin_order_field", name) or name
            for name in map(str, page.list_display)
        ]
        assert [name for name in named if secret in name.split("__")] == []
        for end in ("__startswith", "__contains", "", "__regex"):
            assert client.get(url, {f"{secret}{end}": "x"}).status_code == 400


def test_user_data_cannot_be_guessed(cast: Cast) -> None:
    """The answer is the same whether the guess is right or wrong."""
    make_instance(user_data="c2VjcmV0")
    client = operator()
    url = reverse("admin:servers_instance_changelist")
    for guess in ("c", "x"):
        assert client.get(url, {"user_data__startswith": guess}).status_code == 400
    assert client.get(url, {"vm_state__exact": "active"}).status_code == 200

"""Faults on request in the admin: the same as by the API, and only with the option."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from servers.admin.injections import FORMS
from servers.models import Injection, Service
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.faults_on_request import faults_on_request
from tests.world.hosts import make_host
from tests.world.staff import operator, staff

LIST = "/admin/servers/injection/"
ADD = f"{LIST}add/"


@pytest.fixture
def console(cast: Cast) -> Iterator[Client]:
    with faults_on_request():
        yield operator()


def test_a_fault_is_asked_for_and_ended(console: Client, cast: Cast) -> None:
    page = console.get(LIST).content.decode()
    assert [f"{ADD}?kind={kind}" in page for kind in FORMS] == [True] * 4
    assert "Fail requests" in console.get(f"{ADD}?kind=request").content.decode()
    sent = {"path": "/compute/*", "method": "any", "outcome": "503", "seconds": "", "times": "2"}
    assert console.post(f"{ADD}?kind=request", sent).status_code == 302
    fault = Injection.objects.get()
    assert (fault.details["seconds"], fault.left) == (1, 2)
    assert ApiClient(cast.member).get("/servers").status == 503
    assert "/compute/*" in console.get(LIST).content.decode()
    change = reverse("admin:servers_injection_change", args=[fault.pk])
    assert "/compute/*" in console.get(change).content.decode()
    delete = reverse("admin:servers_injection_delete", args=[fault.pk])
    assert console.post(delete, {"post": "yes"}).status_code == 302
    assert not Injection.objects.exists()
    assert LogEntry.objects.filter(object_id=str(fault.pk)).count() == 2


def test_the_end_of_a_fault_restores_what_it_changed(console: Client) -> None:
    make_host("host1")
    assert console.post(f"{ADD}?kind=host", {"host": "host1"}).status_code == 302
    assert Service.objects.get(host="host1").forced_down
    fault = Injection.objects.get()
    console.post(reverse("admin:servers_injection_delete", args=[fault.pk]), {"post": "yes"})
    assert not Service.objects.get(host="host1").forced_down


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("word", ["banana", "-7", "9" * 40, "x" * 300, "a\0b"])
def test_nonsense_is_refused(console: Client, kind: str, word: str) -> None:
    url = f"{ADD}?kind={kind}"
    form = console.get(url).context["adminform"].form
    answer = console.post(url, dict.fromkeys(form.fields, word), follow=True)
    assert answer.status_code == 200
    assert not Injection.objects.exists()


def test_a_wrong_word_is_told_beside_its_field(console: Client) -> None:
    sent = {"path": "servers", "method": "any", "outcome": "503", "times": "often"}
    answer = console.post(f"{ADD}?kind=request", sent)
    assert set(answer.context["adminform"].form.errors) == {"path", "times"}


def test_a_host_that_is_not_there_is_told(console: Client) -> None:
    answer = console.post(f"{ADD}?kind=host", {"host": "nowhere"}, follow=True)
    assert "There is no host nowhere." in answer.content.decode()


def test_the_page_needs_permissions(console: Client) -> None:
    assert staff().get(LIST).status_code == 403
    reader = staff("servers.view_injection")
    assert ADD not in reader.get(LIST).content.decode()
    assert reader.post(f"{ADD}?kind=host", {"host": "host1"}).status_code == 403


def test_without_the_option_there_is_no_page(cast: Cast) -> None:
    assert Injection not in admin.site._registry
    assert operator().get(LIST).status_code == 404

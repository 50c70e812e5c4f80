"""The console in a real browser: its main flows, and that everybody can read its pages."""

from __future__ import annotations

import datetime as dt
import importlib.resources
from typing import Any

import pytest
from django.utils import timezone

from quotas.models import Limit, LimitChange
from servers.models import (
    Instance,
    InstanceAction,
    Rollup,
    RollupKind,
    ServerFault,
    Service,
)
from servers.statistics.roll_up import roll_up
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.chromium import Browser, log_in
from tests.world.factories import make_flavor, make_image, make_instance, make_network
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.reservations import make_reservation

AXE = importlib.resources.files("axe_core_python").joinpath("axe.min.js")
RUN_AXE = """
    const done = arguments[arguments.length - 1];
    axe.run(document, {resultTypes: ["violations"]}).then(
        (found) => done(found.violations.map((one) => [
            one.id, one.nodes.slice(0, 3).map((node) => node.target.join(" ") + " " +
                node.failureSummary.replace(/\\s+/g, " ").slice(0, 200))
        ])),
        (error) => done([["axe failed", [String(error)]]]),
    );
"""
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def browser(browser: Browser, cast: Cast) -> Browser:
    """A browser in which the cloud's admin has signed in."""
    log_in(browser, cast)
    return browser


def make_site() -> Instance:
    """A cloud with something of everything; the server that runs on host1."""
    host = make_host("host1")
    make_host("host2", disabled=True, disabled_reason="repair")
    make_host("host3", forced_down=True)
    Service.objects.control().update(last_seen_up=timezone.now())
    (server,) = make_reservation(tags=["blue"])
    run_jobs()
    failed = make_instance(vm_state="error", host=None, node=None, display_name="failed")
    ServerFault.objects.create(instance=failed, message="No host has room.", details="traceback")
    make_network(name="backbone")
    make_image(name="debian-13")
    make_flavor(name="m1.tiny")
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=1)
    LimitChange.objects.create(project_id=ALPHA, resource="cores", after=1)
    roll_up()
    assert host.service.host == "host1"
    server.refresh_from_db()
    return server


def pages_of(server: Instance) -> list[str]:
    return [
        "/admin/",
        "/admin/servers/instance/",
        f"/admin/servers/instance/{server.pk}/change/",
        "/admin/servers/computenode/",
        "/admin/servers/computenode/host1/change/",
        "/admin/servers/service/",
        f"/admin/quotas/projectquota/{ALPHA}/change/",
        "/admin/activity/",
        "/admin/charts/",
        "/admin/usage/",
        "/admin/search/?q=host",
        f"/admin/servers/instance/do/rebuild/?key={server.pk}",
    ]


def test_everybody_can_read_the_main_pages_in_both_themes(browser: Browser) -> None:
    """axe-core finds nothing wrong, colours included."""
    server = make_site()
    script = AXE.read_text(encoding="utf-8")
    browser.chrome.set_script_timeout(60)
    wrong: dict[tuple[str, str], Any] = {}
    for theme in ("light", "dark"):
        browser.chrome.execute_script(f"localStorage.setItem('theme', '{theme}')")
        for page in pages_of(server):
            browser.open(page)
            browser.chrome.execute_script(script)
            found = browser.chrome.execute_async_script(RUN_AXE)
            if found:
                wrong[theme, page] = found
    browser.chrome.execute_script("localStorage.removeItem('theme')")
    assert wrong == {}


def test_pages_fit_the_windows_of_laptops_and_phones(browser: Browser) -> None:
    """What is wide scrolls in a frame of its own, so that menu and headings stay."""
    server = make_site()
    too_wide = {}
    for width in (1280, 390):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for page in pages_of(server):
            browser.open(page)
            assert browser.find(".console-pages").is_displayed()
            beyond = browser.chrome.execute_script(OVERFLOW)
            if beyond > 0:
                too_wide[width, page] = beyond
    browser.chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert too_wide == {}


def test_a_host_is_taken_out_of_service(browser: Browser, cast: Cast) -> None:
    server = make_site()
    Service.objects.filter(host="host2").update(disabled=False)
    browser.open("/admin/")
    browser.follow("host1")
    browser.follow("Disable")
    browser.type("reason", "new memory")
    browser.press('#content-main [type="submit"]')
    assert "new memory" in browser.text
    browser.follow("Migrate all servers")
    browser.press('#content-main [type="submit"]')
    assert "1 of 1 servers" in browser.find(".messagelist").text
    run_jobs()
    browser.open("/admin/servers/computenode/host2/change/")
    assert server.display_name in browser.text
    service = Service.objects.get(host="host1")
    assert (service.disabled, service.disabled_reason) == (True, "new memory")
    assert InstanceAction.objects.get(action="live-migration").user_id == cast.admin.user_id


def test_a_host_that_is_lost_is_evacuated(browser: Browser) -> None:
    server = make_site()
    Service.objects.filter(host="host2").update(disabled=False)
    browser.open("/admin/servers/computenode/host1/change/")
    browser.follow("Force down")
    assert "twice" in browser.text  # it asks first
    browser.press('#content-main [type="submit"]')
    browser.follow("Evacuate")
    browser.press('#content-main [type="submit"]')
    assert "1 of 1 servers" in browser.find(".messagelist").text
    run_jobs()
    browser.open(f"/admin/servers/instance/{server.pk}/change/")
    assert browser.find("#content").find_element("link text", "host2").is_displayed()
    server.refresh_from_db()
    assert (server.host, server.vm_state) == ("host2", "active")


def test_a_server_is_rescued_and_resized_to_a_flavor_that_is_suggested(browser: Browser) -> None:
    server = make_site()
    page = f"/admin/servers/instance/{server.pk}/change/"
    browser.open(page)
    for label, state in (("Rescue", "RESCUE"), ("End rescue", "ACTIVE")):
        browser.follow(label)
        browser.press('#content-main [type="submit"]')
        run_jobs()
        browser.open(page)
        assert state in browser.find(".operations").text
    browser.follow("Resize")
    browser.type("flavor", "m1.ti")
    browser.wait_for('#suggested-flavor option[value="m1.tiny"]')
    browser.type("flavor", "m1.tinny")
    browser.press('#content-main [type="submit"]')
    assert "m1.tinny" in browser.find(".messagelist").text


def fetch(browser: Browser, path: str) -> str:
    """What the link to a file leads to, in the session of the browser."""
    script = "return fetch(arguments[0]).then((answer) => answer.text())"
    return str(browser.chrome.execute_script(script, path))


def test_a_list_is_taken_elsewhere_with_its_filters(browser: Browser) -> None:
    server = make_site()
    browser.open("/admin/servers/instance/?vm_state__exact=active")
    link = browser.find("#content").find_element("link text", "CSV")
    head, *lines = fetch(browser, str(link.get_attribute("href"))).splitlines()
    assert head.startswith("key,server,status")
    assert len(lines) == 1
    assert server.display_name in lines[0]


def test_usage_is_told_for_a_period_and_a_project(browser: Browser) -> None:
    day = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
    for key, project, hours in ((ALPHA, "alpha", 12), (BETA, "beta", 7)):
        amounts = {"vcpu_hours": hours, "memory_hours": 24, "disk_hours": 48}
        numbers = {"project": project, **amounts}
        Rollup.objects.create(kind=RollupKind.USAGE, at=day, subject=key, numbers=numbers)
    browser.open("/admin/usage/?since=2026-03-01&until=2026-03-05")
    assert "beta" in browser.find("#content table").text
    browser.type("project", "alpha")
    browser.press('#content-main [type="submit"]')
    table = browser.find("#content table").text
    assert "alpha 12" in table
    assert "beta" not in table
    assert browser.has("svg[role=img]")
    link = browser.find("#content").find_element("link text", "CSV")
    head, line = fetch(browser, str(link.get_attribute("href"))).splitlines()
    assert head.startswith("project id,project,")
    assert "alpha,12" in line


def test_a_server_is_stopped_and_its_console_read(browser: Browser) -> None:
    server = make_site()
    browser.open(f"/admin/servers/instance/{server.uuid}/change/")
    browser.follow("Console log")
    assert browser.has(".console-log")
    browser.open(f"/admin/servers/instance/{server.pk}/change/")
    browser.follow("Stop")
    browser.press('#content-main [type="submit"]')
    run_jobs()
    browser.open(f"/admin/servers/instance/{server.pk}/change/")
    assert "SHUTOFF" in browser.text
    browser.press(browser.find(".console-pages").find_element("link text", "Who did what"))
    assert "stop" in browser.find(".results").text


def test_everything_is_found_from_every_page(browser: Browser) -> None:
    make_site()
    browser.open("/admin/charts/")
    assert browser.has("svg[role=img] polyline")
    with browser.next_page():
        browser.find(".console-pages [name=q]").send_keys("host2\n")
    browser.follow("host2")
    assert browser.path.startswith("/admin/servers/computenode/")


def test_filters_suggest_what_is_typed(browser: Browser) -> None:
    make_site()
    browser.open("/admin/servers/instance/")
    browser.find('#changelist-filter [name="host"]').send_keys("ho")
    browser.wait_for('#suggested-host option[value="host3"]')


def test_a_site_without_workers_is_seen(browser: Browser) -> None:
    Service.objects.control().update(last_seen_up=None)
    browser.open("/admin/")
    assert "No worker is up" in browser.find("[role=alert]").text

"""The console in a real browser: its main flows, and that everybody can read its pages."""

from __future__ import annotations

import importlib.resources
from typing import Any

import pytest
from django.utils import timezone

from quotas.models import Limit, LimitChange
from servers.models import Instance, InstanceAction, ServerFault, Service
from servers.statistics.roll_up import roll_up
from tests.world.cast import ALPHA, Cast
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
        f"/admin/servers/instance/do/lock/?key={server.pk}",
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

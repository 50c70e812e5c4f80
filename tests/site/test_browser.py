"""The pages for people in a real browser: the admin, and the form of the browsable API."""

from __future__ import annotations

from django.contrib.auth.models import Permission

from compute_site.identity.models import User
from flavors.models import Flavor
from quotas.models import Limit, Usage
from servers.models import Instance, InstanceAction, RequestSpec, ServerGroup, ServerGroupMember
from servers.policies.server import SHOW
from tests.world.cast import ALPHA, Cast
from tests.world.chromium import Browser, log_in
from tests.world.factories import make_flavor, make_image, make_instance, make_user
from tests.world.hosts import make_host


def test_an_operator_logs_in_and_sees_the_cloud(browser: Browser, cast: Cast) -> None:
    make_host("rack1", vcpus=8, vcpus_used=2)
    make_instance(host="rack1")
    log_in(browser, cast)
    assert "2 of 32" in browser.text
    assert browser.has("meter")
    browser.follow("active")
    assert browser.path.startswith("/admin/servers/instance/?vm_state__exact=active")


def test_an_operator_edits_a_flavor(browser: Browser, cast: Cast) -> None:
    flavor = make_flavor(name="m1.test", extra_specs={"hw:cpu_sockets": "1"})
    log_in(browser, cast)
    browser.open("/admin/flavors/flavor/")
    browser.follow("m1.test")
    browser.type("description", "for tests")
    row = browser.chrome.find_elements("css selector", ".extra-specs tbody tr")[1]
    row.find_element("name", "extra_specs-name").send_keys("hw:cpu_policy")
    row.find_element("name", "extra_specs-value").send_keys("sometimes")
    browser.press('[name="_save"]')
    assert "hw:cpu_policy" in browser.find(".errorlist").text
    row = browser.chrome.find_elements("css selector", ".extra-specs tbody tr")[1]
    row.find_element("name", "extra_specs-value").clear()
    row.find_element("name", "extra_specs-value").send_keys("dedicated")
    browser.press('[name="_save"]')
    assert browser.has(".messagelist .success")
    flavor = Flavor.objects.get(pk=flavor.pk)
    assert flavor.description == "for tests"
    assert flavor.extra_specs == {"hw:cpu_sockets": "1", "hw:cpu_policy": "dedicated"}


def test_an_operator_edits_a_quota(browser: Browser, cast: Cast) -> None:
    log_in(browser, cast)
    browser.open("/admin/quotas/projectquota/")
    browser.follow("alpha")
    browser.type("cores", "7")
    browser.press('.submit-row [type="submit"]')
    assert "The limits of alpha are saved." in browser.text
    limit = Limit.objects.get()
    assert (limit.project_id, limit.resource, limit.limit) == (ALPHA, "cores", 7)


def make_server() -> Instance:
    server = make_instance(display_name="web", host="rack1", image_ref=str(make_image().pk))
    group = ServerGroup.objects.create(
        name="apart", policy="anti-affinity", project_id=ALPHA, user_id=Cast.member.user_id
    )
    ServerGroupMember.objects.create(group=group, instance=server)
    RequestSpec.objects.create(instance=server, flavor=server.flavor, instance_group=group)
    make_host("rack1")
    return server


def test_an_operator_follows_a_server_to_its_parts(browser: Browser, cast: Cast) -> None:
    server = make_server()
    log_in(browser, cast)
    browser.follow("Servers")
    browser.type("q", "web")
    browser.press('#changelist-search [type="submit"]')
    browser.follow("web")
    page = browser.path
    assert str(server.uuid) in browser.text
    for link, expected in (
        ("alpha", f"/admin/identity/project/{ALPHA}/change/"),
        ("apart", "/admin/servers/servergroup/"),
        ("request spec", "/admin/servers/requestspec/"),
        (server.flavor["name"], "/admin/flavors/flavor/"),
        ("rack1", "/admin/servers/computenode/rack1/change/"),
    ):
        browser.open(page)
        browser.follow(link)
        assert browser.path.startswith(expected)
        assert browser.has("#content")


def test_an_operator_sets_the_state_of_a_server(browser: Browser, cast: Cast) -> None:
    server = make_server()
    log_in(browser, cast)
    browser.open(f"/admin/servers/instance/{server.pk}/change/")
    browser.follow("Set error")
    assert "nothing happens on the host" in browser.text
    browser.press('#content-main [type="submit"]')
    assert "ERROR" in browser.text
    assert Instance.objects.get(pk=server.pk).vm_state == "error"
    assert InstanceAction.objects.get().user_id == cast.admin.user_id


def test_an_operator_shares_a_server(browser: Browser, cast: Cast) -> None:
    server = make_server()
    log_in(browser, cast)
    browser.open(f"/admin/servers/instance/{server.pk}/change/")
    browser.press(".object-tools [href$='/permissions/']")
    assert "No single user holds a rule on it." in browser.text
    browser.type("user", cast.outsider.name)
    browser.press('[name="submit_manage_user"]')
    assert "GET /servers/{server_id}" in browser.text
    browser.find(f'[value="{SHOW}"]').click()
    browser.press('.submit-row [type="submit"]')
    assert browser.has(".messagelist .success")
    assert User.objects.get(pk=cast.outsider.user_id).has_perm(SHOW, server)


def test_an_operator_sees_who_changed_a_quota(browser: Browser, cast: Cast) -> None:
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=9)
    log_in(browser, cast)
    browser.open(f"/admin/quotas/projectquota/{ALPHA}/change/")
    browser.type("cores", "5")
    browser.press('.submit-row [type="submit"]')
    assert "uses 9 of cores, more than its limit 5" in browser.find(".messagelist").text
    assert "9 of 5, over the limit" in browser.text
    assert f"{cast.admin.name} cores" in browser.text


def test_an_extra_spec_is_explained_while_it_is_typed(browser: Browser, cast: Cast) -> None:
    flavor = make_flavor()
    log_in(browser, cast)
    browser.open(f"/admin/flavors/flavor/{flavor.pk}/change/")
    browser.find('[name="extra_specs-name"]').send_keys("hw:cpu_policy")
    assert "dedicated, shared, mixed" in browser.find(".extra-specs-meaning").text
    with browser.next_page():
        browser.find(".object-tools button").click()
    assert Flavor.objects.filter(name=f"{flavor.name} copy").exists()


def test_staff_see_what_they_may_see(browser: Browser, cast: Cast) -> None:
    server = make_server()
    person = make_user("helper", password="secret", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_instance"))
    browser.open("/admin/")
    browser.type("username", "helper")
    browser.type("password", "secret")
    browser.press('[type="submit"]')
    assert "Servers by state" in browser.text
    assert "Flavors" not in browser.text
    browser.open(f"/admin/servers/instance/{server.pk}/change/")
    assert str(server.uuid) in browser.text
    assert not browser.has(".operations .button")


def test_a_typed_filter_narrows_the_list(browser: Browser, cast: Cast) -> None:
    make_server()
    make_instance(display_name="elsewhere", host="rack9")
    log_in(browser, cast)
    browser.open("/admin/servers/instance/")
    assert "elsewhere" in browser.find("#result_list").text
    with browser.next_page():
        browser.type("host", "rack1\n")
    assert "elsewhere" not in browser.find("#result_list").text
    assert "web" in browser.find("#result_list").text


def test_the_form_of_the_browsable_api_creates_a_server(browser: Browser, cast: Cast) -> None:
    flavor, image = make_flavor(), make_image()
    log_in(browser, cast)
    browser.open("/compute/v2.1/servers")
    with browser.next_page():
        browser.choose("microversion", "2.90")
    assert browser.has('[name="server.hostname"]')
    with browser.next_page():
        browser.choose("microversion", "2.67")
    assert not browser.has('[name="server.hostname"]')
    browser.find("#create summary").click()
    browser.press("#create .btn-primary")
    assert "HTTP 400" in browser.text
    browser.type("server.name", "by-hand")
    browser.choose("server.flavorRef", flavor.name)
    browser.choose("server.imageRef", image.name)
    browser.choose("server.networks", "none")
    browser.press("#create .btn-primary")
    assert "HTTP 202" in browser.text
    server = Instance.objects.get()
    assert server.display_name == "by-hand"
    browser.press(f'.response-info [href*="{server.uuid}"]')
    assert browser.path == f"/compute/v2.1/servers/{server.uuid}?microversion=2.67"
    browser.find("#change summary").click()
    browser.type("server.name", "renamed")
    browser.press("#change .btn-primary")
    assert "HTTP 200" in browser.text
    browser.find("#act summary").click()
    browser.choose("_action", "lock")
    browser.press("#act .btn-primary")
    assert "HTTP 202" in browser.text
    server.refresh_from_db()
    assert (server.display_name, server.locked) == ("renamed", True)
    browser.open(f"/compute/v2.1/servers/{server.uuid}")
    browser.find("#remove summary").click()
    browser.press("#remove .btn-danger")
    assert "HTTP 204" in browser.text
    assert not Instance.objects.filter(deleted_at=None).exists()
    browser.press("#log-out")
    assert "HTTP 401" in browser.text


def test_the_documentation_shows_without_the_internet(browser: Browser, cast: Cast) -> None:
    log_in(browser, cast)
    browser.open("/docs/?microversion=2.67")
    browser.wait_for(".opblock")
    assert "/servers" in browser.text
    with browser.next_page():
        browser.choose("microversion", "2.90")
    browser.wait_for(".opblock")
    assert browser.path == "/docs/?microversion=2.90"

"""Networks, volumes and images in the admin: what the APIs refuse is refused there, with the same
words, and nonsense never gets into the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from compute_site.console.api_pages import ApiAdmin, as_sent
from compute_site.identity.models import Project
from compute_site.neighbours.image.models import (
    Image,
    ImageMember,
    MetadefNamespace,
    ResourceType,
)
from compute_site.neighbours.network.models import (
    FloatingIp,
    Network,
    Port,
    Subnet,
)
from compute_site.neighbours.volume.models import Snapshot, Volume, VolumeType
from compute_site.values.keys import read_keys
from tests.site.test_admin_poison import given_by, management, url_of
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.factories import (
    make_image,
    make_namespace,
    make_network,
    make_port,
    make_router,
    make_security_group,
    make_volume,
)
from tests.world.staff import operator

NONSENSE = ("banana", "-7", '{"a": [1]}')


@pytest.fixture
def browser(cast: Cast) -> Client:
    return operator()


def shown(browser: Client, url: str) -> dict[str, Any]:
    """What the form of a page sends when nobody changes anything."""
    page: Any = browser.get(url)
    inlines = page.context["inline_admin_formsets"]
    sent = given_by(page.context["adminform"].form) | management(inlines)
    for inline in inlines:
        for part in inline.formset.initial_forms:
            sent |= {bound.html_name: bound.value() for bound in part.hidden_fields()}
            sent[part["id"].html_name] = part.instance.pk
    return sent


def save(browser: Client, row: Model, **fields: Any) -> dict[str, list[str]]:
    """Change the row; return the errors of the form by field."""
    url = url_of(type(row), "change", row.pk)
    return told(browser.post(url, shown(browser, url) | fields))


def add(browser: Client, model: type[Model], **fields: Any) -> dict[str, list[str]]:
    url = url_of(model, "add")
    return told(browser.post(url, shown(browser, url) | fields))


def told(answer: Any) -> dict[str, list[str]]:
    if answer.status_code == 302:
        return {}
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    errors: dict[str, list[str]] = dict(form.errors)
    for inline in answer.context["inline_admin_formsets"]:
        errors |= {name: text for part in inline.formset.errors for name, text in part.items()}
    return errors


def delete(browser: Client, row: Model) -> str:
    """Ask for its deletion; return what the next page tells."""
    answer: Any = browser.post(url_of(type(row), "delete", row.pk), {"post": "yes"}, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def exists(row: Model) -> bool:
    return type(row)._default_manager.filter(pk=row.pk).exists()


def test_a_network_with_ports_stays(browser: Client) -> None:
    network = make_network()
    make_port(network)
    assert "still has ports" in delete(browser, network)
    assert exists(network)


def test_ticked_rows_are_deleted_together_or_not_at_all(browser: Client) -> None:
    free, used = make_network(), make_network()
    make_port(used)
    ticked = {
        "action": "delete_selected",
        "_selected_action": [str(free.pk), str(used.pk)],
        "post": "yes",
    }
    answer: Any = browser.post(url_of(Network, "changelist"), ticked, follow=True)
    assert "Nothing was changed" in str(next(iter(answer.context["messages"])))
    assert exists(free)
    assert exists(used)


@pytest.mark.parametrize(
    "make",
    [
        make_network,
        lambda: make_network(name="red").subnets.get(),  # noqa: PLW0108 - it is made in the test
        lambda: make_port(make_network()),
        make_security_group,
        make_volume,
        make_image,
    ],
    ids=["network", "subnet", "port", "group", "volume", "image"],
)
def test_what_nothing_needs_is_deleted(browser: Client, make: Callable[[], Model]) -> None:
    row = make()
    assert "success" in delete(browser, row)
    assert not exists(row)


def test_a_protected_image_stays(browser: Client) -> None:
    image = make_image(protected=True)
    assert browser.post(url_of(Image, "delete", image.pk), {"post": "yes"}).status_code == 403
    assert exists(image)


def test_a_volume_in_use_stays(browser: Client) -> None:
    volume = make_volume(status="in-use")
    assert "only a free one" in delete(browser, volume)
    assert exists(volume)


def test_a_subnet_is_made_as_by_the_api(browser: Client) -> None:
    network = make_network(subnet=False)
    sound = {"network": network.pk, "project": ALPHA, "name": "front"}
    assert "cidr" in add(browser, Subnet, **sound, cidr="banana")
    assert "gateway_ip" in add(browser, Subnet, **sound, cidr="10.7.0.0/24", gateway_ip="10.7.0.0")
    assert add(browser, Subnet, **sound, cidr="10.7.0.5/24") == {}
    subnet = network.subnets.get()
    assert (subnet.cidr, subnet.gateway_ip) == ("10.7.0.0/24", "10.7.0.1")
    assert subnet.allocation_pools == [{"start": "10.7.0.2", "end": "10.7.0.254"}]
    assert "cidr" in add(browser, Subnet, **sound, cidr="10.7.0.128/25")  # overlaps


def test_a_subnet_keeps_its_range(browser: Client) -> None:
    subnet = make_network().subnets.get()
    before = subnet.cidr
    assert save(browser, subnet, cidr="192.0.2.0/24", name="new") == {}
    subnet.refresh_from_db()
    assert (subnet.cidr, subnet.name, subnet.revision_number) == (before, "new", 2)


def test_a_port_gets_an_address_and_the_default_group(browser: Client) -> None:
    network = make_network()
    assert add(browser, Port, network=network.pk, project=ALPHA) == {}
    port = network.ports.get()
    assert port.fixed_ips.count() == 1
    assert [group.name for group in port.security_groups.all()] == ["default"]
    taken = port.fixed_ips.get().address
    asked = f'[{{"ip_address": "{taken}"}}]'
    assert add(browser, Port, network=network.pk, project=ALPHA, fixed_ips=asked) != {}
    assert network.ports.count() == 1


def test_a_renamed_network_is_told_to_nobody_twice(browser: Client) -> None:
    network = make_network()
    assert save(browser, network, name="blue", mtu="1500") == {}
    network.refresh_from_db()
    assert (network.name, network.mtu, network.revision_number) == ("blue", 1500, 2)
    assert save(browser, network) == {}  # nothing is changed
    network.refresh_from_db()
    assert network.revision_number == 2


def test_rules_are_made_and_deleted_on_the_page_of_their_group(browser: Client) -> None:
    group = make_security_group()
    row = {
        "rules-TOTAL_FORMS": "1",
        "rules-0-group": group.pk,
        "rules-0-direction": "ingress",
        "rules-0-ethertype": "IPv4",
        "rules-0-protocol": "tcp",
        "rules-0-port_range_min": "80",
    }
    refused = save(browser, group, **row, **{"rules-0-port_range_max": "22"})
    assert "port_range_min" in str(refused)
    assert "protocol" in save(browser, group, **row | {"rules-0-protocol": "999"})
    assert save(browser, group, **row, **{"rules-0-port_range_max": "443"}) == {}
    rule = group.rules.get()
    assert (rule.port_range_min, rule.port_range_max) == (80, 443)
    taken = {"rules-0-id": rule.pk, "rules-0-group": group.pk, "rules-0-DELETE": "on"}
    assert save(browser, group, **taken) == {}
    assert not group.rules.exists()


def test_a_floating_ip_is_lent_to_a_port_and_taken_back(browser: Client) -> None:
    outside, port = make_network(external=True), make_port(make_network())
    subnet = port.network.subnets.get()
    port.fixed_ips.create(network=port.network, subnet=subnet, address="10.0.0.9")
    wrong = add(browser, FloatingIp, project=ALPHA, floating_network=port.network.pk)
    assert "floating_network" in wrong
    assert add(browser, FloatingIp, project=ALPHA, floating_network=outside.pk) == {}
    floating = FloatingIp.objects.get()
    assert "No router" in str(save(browser, floating, port=port.pk))
    make_router(subnet, outside=outside)
    assert "fixed_address" in save(browser, floating, port=port.pk, fixed_address="192.0.2.7")
    assert save(browser, floating, port=port.pk) == {}
    floating.refresh_from_db()
    assert (floating.port, floating.fixed_address) == (port, "10.0.0.9")
    assert save(browser, floating, port="", fixed_address="") == {}
    floating.refresh_from_db()
    assert floating.port is None
    assert "success" in delete(browser, floating)
    assert not outside.ports.filter(device_owner="network:floatingip").exists()


def test_a_volume_is_made_and_changed_as_by_the_api(browser: Client) -> None:
    image = make_image()
    made = {"project": ALPHA, "name": "data", "size": "3", "image": image.pk}
    assert "size" in add(browser, Volume, **made | {"size": "0"})
    assert add(browser, Volume, **made) == {}
    volume = Volume.objects.get()
    assert (volume.size, volume.bootable, volume.status) == (3, "true", "available")
    assert "status" in save(browser, volume, status="banana")
    assert "has 3 GiB already" in str(save(browser, volume, size="2"))
    kind = VolumeType.objects.create(name="fast")
    changed = {"size": "5", "volume_type": kind.pk, "metadata": '{"a": "b"}', "status": "error"}
    assert save(browser, volume, **changed) == {}
    volume.refresh_from_db()
    assert (volume.size, volume.volume_type, volume.status) == (5, kind, "error")
    assert volume.metadata == {"a": "b"}
    assert "only a free one can grow" in str(save(browser, volume, size="9"))


def test_a_snapshot_is_of_a_free_volume_unless_forced(browser: Client) -> None:
    volume = make_volume(status="in-use")
    assert "a snapshot needs a free one" in str(add(browser, Snapshot, volume=volume.pk))
    assert add(browser, Snapshot, volume=volume.pk, force="on") == {}
    snapshot = Snapshot.objects.get()
    assert (snapshot.size, snapshot.project_id) == (volume.size, volume.project_id)
    assert "status" in save(browser, snapshot, status="banana")


def test_an_image_is_made_and_changed_as_by_the_api(browser: Client) -> None:
    assert "visibility" in add(browser, Image, name="tiny", owner=ALPHA, visibility="banana")
    assert add(browser, Image, name="tiny", owner=ALPHA, properties='{"os": "linux"}') == {}
    image = Image.objects.get()
    assert (image.status, image.visibility) == ("queued", "shared")
    assert save(browser, image, status="banana", size="7", min_disk="2") == {}
    image.refresh_from_db()
    assert (image.status, image.size, image.min_disk) == ("queued", None, 2)
    assert "os_glance" in str(save(browser, image, properties='{"os_glance_x": "y"}'))
    assert "disk_format" in save(browser, image, disk_format="banana")


def test_members_of_an_image_are_added_and_removed(browser: Client) -> None:
    image = make_image(visibility="shared")
    row = {"members-TOTAL_FORMS": "1", "members-0-image": image.pk, "members-0-member_id": BETA}
    assert save(browser, image, **row) == {}
    member = ImageMember.objects.get()
    assert (member.member_id, member.status) == (BETA, "pending")
    taken = {"members-0-id": member.pk, "members-0-image": image.pk, "members-0-DELETE": "on"}
    assert save(browser, image, **taken) == {}
    assert not ImageMember.objects.exists()


def test_a_namespace_and_what_is_in_it_are_made_and_deleted(browser: Client) -> None:
    assert "namespace" in add(browser, MetadefNamespace, namespace="a/b", visibility="public")
    assert add(browser, MetadefNamespace, namespace="new", visibility="public") == {}
    namespace = MetadefNamespace.objects.get()
    parts: dict[str, dict[str, Any]] = {
        "grouped": {"name": "o", "properties": "{}", "required": "[]"},
        "properties": {"name": "p", "definition": '{"title": "P", "type": "string"}'},
        "tags": {"name": "t"},
        "resource_types": {
            "resource_type": ResourceType.objects.get(name="OS::Nova::Flavor").pk,
            "prefix": "x:",
        },
    }

    def sent(part: str, **fields: Any) -> dict[str, Any]:
        named = {f"{part}-0-{key}": value for key, value in fields.items()}
        return {f"{part}-TOTAL_FORMS": "1", f"{part}-0-namespace": namespace.pk, **named}

    wrong = sent("properties", name="p", definition='{"title": "P", "type": "banana"}')
    assert "banana" in str(save(browser, namespace, **wrong))
    for part, fields in parts.items():
        assert save(browser, namespace, **sent(part, **fields)) == {}, part
        assert getattr(namespace, part).count() == 1
    assert save(browser, namespace, protected="on") == {}
    tag = namespace.tags.get()
    taken = sent("tags", id=tag.pk, DELETE="on")
    save(browser, namespace, **taken)
    assert exists(tag)
    assert "protected" in delete(browser, namespace)
    assert save(browser, namespace, protected="", display_name="New") == {}
    assert save(browser, namespace, **taken) == {}
    assert not exists(tag)
    delete(browser, namespace)
    assert not exists(namespace)


def test_images_are_locked_where_they_have_data(browser: Client) -> None:
    image, queued = make_image(), make_image(status="queued")
    ticked = {"action": "deactivate", "_selected_action": [str(image.pk)]}
    browser.post(url_of(Image, "changelist"), ticked)
    image.refresh_from_db()
    assert image.status == "deactivated"
    both = {"action": "reactivate", "_selected_action": [str(image.pk), str(queued.pk)]}
    browser.post(url_of(Image, "changelist"), both)
    image.refresh_from_db()
    assert image.status == "deactivated"  # all of them, or none


def test_quotas_of_projects_stop_the_admin_too(browser: Client, settings: Any, cast: Cast) -> None:
    project = Project.objects.get(pk=ALPHA)
    from_quota = {"project": project.pk, "resource": "network", "limit": "0"}
    quota = next(m for m in admin.site._registry if m._meta.label == "network.Quota")
    assert add(browser, quota, **from_quota) == {}
    assert "too many" in str(add(browser, Network, name="x", project=ALPHA))
    assert not Network.objects.exists()


API_PAGES = sorted(
    ((model, page) for model, page in admin.site._registry.items() if isinstance(page, ApiAdmin)),
    key=lambda item: item[0]._meta.label,
)
SERVICES = (
    "Network",
    "Subnet",
    "Port",
    "SecurityGroup",
    "FloatingIp",
    "Volume",
    "Snapshot",
    "Image",
    "MetadefNamespace",
)


def test_all_things_of_the_services_have_such_pages() -> None:
    named = {model.__name__ for model, _ in API_PAGES}
    assert named >= set(SERVICES)


def fields_of(browser: Client, url: str) -> list[str]:
    answer: Any = browser.get(url)
    return list(answer.context["adminform"].form.fields)


@pytest.fixture
def things(cast: Cast) -> None:
    """A row of each kind."""
    network, volume = make_network(external=True), make_volume()
    port = make_port(network)
    make_security_group()
    make_image(visibility="shared")
    make_namespace()
    Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1)
    FloatingIp.objects.create(project_id=ALPHA, outside=port, address="10.0.0.77")


@pytest.mark.parametrize("model", [m for m, _ in API_PAGES], ids=[m.__name__ for m, _ in API_PAGES])
def test_nonsense_in_any_field_is_refused_or_means_something(
    things: None, browser: Client, model: type[Model]
) -> None:
    """Each field of the form in turn; what is saved can be read by the API's own rules."""
    page = admin.site.get_model_admin(model)
    row: Any = model._default_manager.first()
    if row is None:
        return
    url = url_of(model, "change", row.pk)
    sound = shown(browser, url)
    for name in fields_of(browser, url):
        for word in NONSENSE:
            answer = browser.post(url, sound | {name: word})
            assert answer.status_code in (200, 302), (name, word)
    new = url_of(model, "add")
    for word in NONSENSE:
        assert browser.post(new, dict.fromkeys(fields_of(browser, new), word)).status_code == 200
    row.refresh_from_db()
    stored = {
        key: as_sent(getattr(row, name))
        for name, key in page.keys.items()
        if key in page.changed and name in {field.name for field in model._meta.fields}
    }
    kept = {key: value for key, value in stored.items() if value not in (None, "")}
    _, problems = read_keys(kept, page.changed)
    assert list(problems) == []

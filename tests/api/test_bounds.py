"""What a column or an answer cannot take is refused, and the answer names it: in each API."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.identity.models import Project
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume.models import Volume
from servers.models import ServerGroup
from tests.world.cast import ALPHA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_network,
    make_port,
    make_security_group,
)


def told(answer: Answer) -> str:
    """The text of an error of any API."""
    body = answer.json
    while "message" not in body:
        body = next(iter(body.values()))
    return str(body["message"])


# compute


@pytest.mark.parametrize(
    "rule", ["18446744073709551616", "9223372036854775808", "1e308", "1e20", "3.0"]
)
def test_a_rule_of_a_server_group_has_a_largest_number(as_member: ApiClient, rule: str) -> None:
    rules = f'{{"max_server_per_host": {rule}}}'
    group = f'{{"name": "a", "policy": "anti-affinity", "rules": {rules}}}'
    body = f'{{"server_group": {group}}}'.encode()
    answer = as_member.post("/os-server-groups", body, microversion="2.64")
    assert answer.expect(400).blamed == ["server_group.rules.max_server_per_host"]
    assert not ServerGroup.objects.exists()


def test_the_largest_rule_of_a_server_group_is_shown(as_member: ApiClient) -> None:
    group = {"name": "a", "policy": "anti-affinity", "rules": {"max_server_per_host": 2**63 - 1}}
    as_member.post("/os-server-groups", {"server_group": group}, microversion="2.64").expect(200)
    listed = as_member.get("/os-server-groups", microversion="2.64").json["server_groups"]
    assert [shown["rules"] for shown in listed] == [group["rules"]]


@pytest.mark.parametrize("key", ["ram", "vcpus", "disk", "swap", "OS-FLV-EXT-DATA:ephemeral"])
@pytest.mark.parametrize("number", [4.0, 1e255, 2**31, 2.5])
def test_numbers_of_a_flavor_are_whole_and_have_no_point(
    as_admin: ApiClient, key: str, number: float
) -> None:
    flavor = {"name": "small", "ram": 512, "vcpus": 1, "disk": 1, key: number}
    assert as_admin.post("/flavors", {"flavor": flavor}).expect(400).blamed == [f"flavor.{key}"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1e255", "1e+255"),
        ("1e16", "1e+16"),
        ("1.0", "1.0"),
        ("-0.0", "-0.0"),
        ("18446744073709551616", "18446744073709551616"),
        ("9" * 255, "9" * 255),
    ],
)
def test_numbers_of_extra_specs_are_kept_with_all_digits(
    as_admin: ApiClient, sent: str, kept: str
) -> None:
    path = f"/flavors/{make_flavor().flavorid}/os-extra_specs"
    set_to = as_admin.post(path, f'{{"extra_specs": {{"a": {sent}}}}}'.encode()).expect(200)
    assert str(set_to.json["extra_specs"]["a"]) == kept
    assert as_admin.get(path).json["extra_specs"] == {"a": kept}


def test_a_number_of_an_extra_spec_has_at_most_255_digits(as_admin: ApiClient) -> None:
    path = f"/flavors/{make_flavor().flavorid}/os-extra_specs"
    body = b'{"extra_specs": {"a": ' + b"9" * 256 + b"}}"
    assert as_admin.post(path, body).expect(400).blamed == ["extra_specs.a"]


@pytest.mark.parametrize("hint", [2**63, [1, 2**64], 1e300, "a\0", ["a\0"]])
def test_a_scheduler_hint_can_be_kept(as_member: ApiClient, shop: Any, hint: Any) -> None:
    answer = shop.order(as_member, hints={"mine": hint})
    assert answer.expect(400).blamed == ["os:scheduler_hints.mine"]


# identity


@pytest.mark.parametrize("path", ["users", "projects"])
@pytest.mark.parametrize(
    ("extra", "place"),
    [
        ({"note": 2**64}, "note: give a number"),
        ({"note": {"a": [1e300]}}, "note.a.0: give a number"),
        ({"note": ["a\0"]}, "note.0: a NUL"),
        ({"a\0": 1}, "a NUL"),
        ({"a": "x" * 40_000, "b": "x" * 40_000}, "at most 65535 characters"),
    ],
)
def test_what_clients_keep_with_users_and_projects_has_bounds(
    as_admin: ApiClient, path: str, extra: dict[str, Any], place: str
) -> None:
    body = {path.removesuffix("s"): {"name": "made", **extra}}
    assert place in told(as_admin.post(f"//identity/v3/{path}", body).expect(400))
    as_admin.get(f"//identity/v3/{path}").expect(200)


def test_what_clients_keep_does_not_grow_without_end(as_admin: ApiClient) -> None:
    path = f"//identity/v3/projects/{ALPHA}"
    as_admin.patch(path, {"project": {"first": "x" * 40_000}}).expect(200)
    as_admin.patch(path, {"project": {"second": "x" * 40_000}}).expect(400)
    as_admin.patch(path, {"project": {"first": "y" * 40_000}}).expect(200)
    assert set(Project.objects.get(pk=ALPHA).extra) == {"first"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("email", "x" * 255),
        ("name", "x" * 256),
        ("password", "x" * 4097),
        ("description", {"a": "x" * 70_000}),
    ],
)
def test_long_texts_of_users_are_refused(as_admin: ApiClient, key: str, value: Any) -> None:
    answer = as_admin.post("//identity/v3/users", {"user": {"name": "made", key: value}})
    assert "characters" in told(answer.expect(400))


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-00:01"])
def test_a_credential_ends_within_the_years_that_can_be_shown(
    as_member: ApiClient, time: str
) -> None:
    path = f"//identity/v3/users/{Cast.member.user_id}/application_credentials"
    credential = {"application_credential": {"name": "made", "expires_at": time}}
    assert "expires_at" in told(as_member.post(path, credential).expect(400))
    as_member.get(path).expect(200)


@pytest.mark.parametrize("name", ['"\\ud800"', '{"a": "\\udfff"}', "NaN", "1e999", "[" * 5000])
@pytest.mark.parametrize("client", ["anonymous", "as_member"])
def test_what_is_no_json_gets_400_from_everybody(
    request: pytest.FixtureRequest, client: str, name: str
) -> None:
    asker: ApiClient = request.getfixturevalue(client)
    body = '{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": %s}}}}}'
    answer = asker.post("//identity/v3/auth/tokens", (body % name).encode())
    assert "The body is not JSON" in told(answer.expect(400))


# image


def test_an_image_has_at_most_128_properties(as_member: ApiClient) -> None:
    most = {f"key{number}": "x" for number in range(128)}
    path = as_member.post("//image/v2/images", most).expect(201).headers["Location"]
    too_many = as_member.post("//image/v2/images", most | {"one": "more"})
    assert "129 properties" in told(too_many.expect(413))
    image = "/" + path[path.index("/image/") :]
    change = [{"op": "add", "path": "/one", "value": "more"}]
    assert "129 properties" in told(as_member.patch(image, change).expect(413))
    assert Image.objects.get().properties == most


def test_an_image_has_at_most_128_tags(as_member: ApiClient) -> None:
    tags = [f"tag{number}" for number in range(129)]
    assert "129 tags" in told(as_member.post("//image/v2/images", {"tags": tags}).expect(413))
    image = make_image(owner_id=ALPHA)
    change = [{"op": "add", "path": "/tags", "value": tags}]
    as_member.patch(f"//image/v2/images/{image.pk}", change).expect(413)
    as_member.post("//image/v2/images", {"tags": tags[1:]}).expect(201)


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("x" * 256, "y", 400),
        ("a", "y\0", 400),
        ("a\0", "y", 400),
        ("a", 1, 400),
        ("a", "y" * 65_536, 400),
        ("a", "y" * 65_535, 413),
        ("tags", ["x" * 256], 400),
        ("name", "x" * 256, 400),
        ("min_ram", 2**31, 400),
        ("disk_format", "x" * 33, 400),
    ],
)
def test_what_does_not_fit_an_image_is_refused(
    as_member: ApiClient, key: str, value: Any, status: int
) -> None:
    as_member.post("//image/v2/images", {key: value}).expect(status)
    image = make_image(owner_id=ALPHA, status="queued")
    change = [{"op": "add", "path": f"/{key}", "value": value}]
    as_member.patch(f"//image/v2/images/{image.pk}", change).expect(status)
    assert Image.objects.get() == image


# network


@pytest.mark.parametrize("key", ["name", "description"])
def test_a_security_group_is_not_named_null(as_member: ApiClient, key: str) -> None:
    group = make_security_group(name="web", description="open")
    path = f"//network/v2.0/security-groups/{group.pk}"
    answer = as_member.put(path, {"security_group": {key: None}})
    if key == "name":
        assert "name: cannot be null" in told(answer.expect(400))
    group.refresh_from_db()
    assert group.name == "web"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("binding:profile", {"a": 2**64}),
        ("binding:profile", {"a": ["\0"]}),
        ("binding:profile", {"a": "x" * 4095}),
        ("binding:profile", {"a": 1e300}),
        ("numa_affinity_policy", "sometimes"),
        ("binding:vnic_type", "x" * 33),
        ("device_id", "x" * 256),
        ("name", "x" * 256),
        ("fixed_ips", [{"ip_address": "fe80::1%eth0"}]),
    ],
)
def test_what_does_not_fit_a_port_is_refused(as_admin: ApiClient, key: str, value: Any) -> None:
    network = make_network()
    body = {"port": {"network_id": str(network.pk), key: value}}
    assert f"key {key}: " in told(as_admin.post("//network/v2.0/ports", body).expect(400))
    port = make_port(network)
    answer = as_admin.put(f"//network/v2.0/ports/{port.pk}", {"port": {key: value}})
    assert f"key {key}: " in told(answer.expect(400))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port_range_min", 65_536),
        ("port_range_max", -1),
        ("protocol", 256),
        ("protocol", "256"),
        ("protocol", {"a": 1}),
        ("protocol", "x" * 17),
        ("remote_ip_prefix", "x" * 65),
    ],
)
def test_what_does_not_fit_a_rule_is_refused(as_member: ApiClient, key: str, value: Any) -> None:
    rule = {"security_group_id": str(make_security_group().pk), "direction": "ingress", key: value}
    answer = as_member.post("//network/v2.0/security-group-rules", {"security_group_rule": rule})
    assert f"key {key}: " in told(answer.expect(400))


def test_a_subnet_has_at_most_five_name_servers(as_member: ApiClient) -> None:
    network = make_network(subnet=False)
    subnet = {"network_id": str(network.pk), "cidr": "10.0.0.0/24"}
    servers = [f"10.0.0.{number}" for number in range(6)]
    answer = as_member.post(
        "//network/v2.0/subnets", {"subnet": subnet | {"dns_nameservers": servers}}
    )
    assert "6 items are too many" in told(answer.expect(400))


# volume


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metadata", {f"key{number}": "x" for number in range(129)}),
        ("metadata", {"a": "x" * 256}),
        ("metadata", {"x" * 256: "a"}),
        ("metadata", {"": "a"}),
        ("metadata", {"a": "\0"}),
        ("metadata", {"a": {"b": "c"}}),
        ("name", "x" * 256),
        ("description", "x" * 256),
        ("size", 2**31),
        ("size", 2**64),
    ],
)
def test_what_does_not_fit_a_volume_is_refused(as_member: ApiClient, key: str, value: Any) -> None:
    answer = as_member.post("//volume/v3/volumes", {"volume": {"size": 1, key: value}})
    assert f"key {key}: " in told(answer.expect(400))
    assert not Volume.objects.exists()

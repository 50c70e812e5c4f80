"""No form of the admin stores what cannot be shown, and none breaks on it."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.forms import ReadOnlyPasswordHashField
from django.db.models import JSONField, Model
from django.urls import reverse

from compute_site.console.api_pages import ApiAdmin
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.network.models import SubnetPool
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.models import GroupType, QosSpecs, Snapshot, VolumeType
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_image, make_network, make_port, make_volume
from tests.world.staff import operator

DEEP = "[" * 3000 + "]" * 3000
HOSTILE_JSON = {
    "not a number": '{"a": NaN}',
    "infinite": '{"a": Infinity}',
    "half a character": r'{"a": "\ud800"}',
    "half a character in a name": r'{"\udfff": "a"}',
    "NUL": r'{"a": "\u0000"}',
    "deep": f'{{"a": {DEEP}}}',
    "huge": '{"a": 1e400}',
    "no JSON": "{",
    "a number": "5",
}
ADDED = sorted(
    (
        (model, page)
        for model, page in admin.site._registry.items()
        if page.has_add_permission(
            type("Request", (), {"user": type("U", (), {"has_perm": lambda *_: True})()})()
        )
    ),
    key=lambda item: item[0]._meta.label,
)


def url_of(model: type[Model], page: str, *args: Any) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def given_by(form: forms.BaseForm) -> dict[str, Any]:
    """What a browser sends that changes nothing."""
    sent: dict[str, Any] = {}
    for bound in form:
        value, widget = bound.value(), bound.field.widget
        if isinstance(widget, forms.MultiWidget):
            parts = widget.decompress(value)
            sent |= {f"{bound.html_name}_{n}": part or "" for n, part in enumerate(parts)}
        elif value is not None and value is not False:
            sent[bound.html_name] = value
    return sent


def management(inlines: Any) -> dict[str, Any]:
    return {
        f"{inline.formset.prefix}-{key}": value
        for inline in inlines
        for key, value in inline.formset.management_form.initial.items()
    }


@pytest.fixture
def rows(cast: Cast) -> dict[str, Model]:
    """A row with JSON of each kind, by the label of its model."""
    network = make_network()
    volume = make_volume()
    snapshot = Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1)
    kind = VolumeType.objects.create(name="fast")
    subnet, port = network.subnets.get(), make_port(network)
    group_type = GroupType.objects.create(name="loose")
    specs = QosSpecs.objects.create(name="slow", specs={"a": "b"})
    pool = SubnetPool.objects.create(
        name="pool",
        project_id=ALPHA,
        prefixes=["10.64.0.0/16"],
        min_prefixlen=8,
        default_prefixlen=24,
        max_prefixlen=32,
    )
    backup = Backup.objects.create(project_id=ALPHA, volume_id=volume.pk, size=1)
    made = [make_image(), volume, snapshot, kind, subnet, port, group_type, specs, pool, backup]
    return {row._meta.label: row for row in made}


JSON_COLUMNS = (
    ("image.Image", "properties"),
    ("image.Image", "tags"),
    ("volume.Volume", "metadata"),
    ("volume.Volume", "image_metadata"),
    ("volume.Snapshot", "metadata"),
    ("volume.VolumeType", "extra_specs"),
    ("volume.GroupType", "group_specs"),
    ("volume.QosSpecs", "specs"),
    ("volume.Backup", "metadata"),
    ("network.Subnet", "allocation_pools"),
    ("network.Subnet", "service_types"),
    ("network.SubnetPool", "prefixes"),
    ("network.Port", "binding_profile"),
)


@pytest.mark.parametrize(("label", "column"), JSON_COLUMNS)
def test_a_json_field_takes_only_what_can_be_shown(
    rows: dict[str, Model], label: str, column: str
) -> None:
    row, browser = rows[label], operator()
    url = url_of(type(row), "change", row.pk)
    page = browser.get(url)
    sound = given_by(page.context["adminform"].form) | management(
        page.context["inline_admin_formsets"]
    )
    before = getattr(row, column)
    anything = type(row)._meta.get_field(column).default not in (dict, list)
    names = HOSTILE_JSON if column == "properties" else ("NUL", "not a number", "a number")
    for name in names:
        if name == "a number" and anything:
            continue
        text = HOSTILE_JSON[name]
        answer = browser.post(url, sound | {column: text})
        assert answer.status_code == 200, name
        assert list(answer.context["adminform"].form.errors) == [column], name
    row.refresh_from_db()
    assert getattr(row, column) == before


def test_the_json_columns_of_the_test_are_those_of_the_forms() -> None:
    found = {
        (model._meta.label, field.name)
        for model, page in ADDED
        for field in model._meta.fields
        if isinstance(field, JSONField)
        and field.editable
        and field.name not in page.readonly_fields
        and (not isinstance(page, ApiAdmin) or page.keys.get(field.name) in page.new)
    }
    other_forms = {("flavors.Flavor", "extra_specs"), ("servers.Aggregate", "metadata")}
    lists = {
        *(("network.Subnet", name) for name in ("dns_nameservers", "host_routes")),
        *(("network.Port", name) for name in ("allowed_address_pairs", "extra_dhcp_opts")),
    }
    word = {("network.Port", "numa_affinity_policy")}
    of_new_ones = {("network.AddressGroup", "addresses")}
    assert found - other_forms - lists - word - of_new_ones == set(JSON_COLUMNS) - {
        ("volume.Volume", "image_metadata")  # of one that exists
    }


def test_an_image_gets_no_more_properties_than_by_its_api(rows: dict[str, Model]) -> None:
    row, browser = rows["image.Image"], operator()
    url = url_of(Image, "change", row.pk)
    page = browser.get(url)
    inlines = page.context["inline_admin_formsets"]
    sound = given_by(page.context["adminform"].form) | management(inlines)
    many = "{" + ", ".join(f'"p{number}": "x"' for number in range(129)) + "}"
    for text in (many, '{"a": 5}', '{"": "x"}'):
        answer = browser.post(url, sound | {"properties": text})
        assert list(answer.context["adminform"].form.errors) == ["properties"]
    assert browser.post(url, sound | {"properties": '{"os_type": "linux"}'}).status_code == 302
    assert Image.objects.get(pk=row.pk).properties == {"os_type": "linux"}


@pytest.mark.parametrize(("model", "page"), ADDED, ids=[m._meta.label for m, _ in ADDED])
def test_no_field_of_a_form_breaks_on_a_nul_character(
    cast: Cast, model: type[Model], page: Any
) -> None:
    browser = operator()
    url = url_of(model, "add")
    shown = browser.get(url)
    if shown.status_code != 200 or "adminform" not in shown.context:
        return
    form = shown.context["adminform"].form
    sound = given_by(form) | management(shown.context["inline_admin_formsets"])
    hostile = {name_of(bound): "a\0b" for bound in form}
    answer = browser.post(url, sound | hostile)
    assert answer.status_code == 200
    told = set(answer.context["adminform"].form.errors)
    assert told >= {bound.name for bound in form if is_text(bound)}


def name_of(bound: forms.BoundField) -> str:
    split = isinstance(bound.field.widget, forms.MultiWidget)
    return f"{bound.html_name}_0" if split else bound.html_name


def is_text(bound: forms.BoundField) -> bool:
    """Anything is true or false, a password is hashed, and extra specs have fields of their own."""
    others = forms.BooleanField | ReadOnlyPasswordHashField
    return not isinstance(bound.field, others) and bound.name != "extra_specs"


@pytest.mark.parametrize("encoding", ["unicode_escape", "utf-16", "utf-7"])
def test_a_form_in_another_encoding_is_refused(cast: Cast, encoding: str) -> None:
    """Python's ``unicode_escape`` makes halves of characters of harmless bytes."""
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n\\ud800\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={encoding}"
    answer = ApiClient().post("//accounts/login/", body, headers={"Content-Type": kind})
    assert answer.status == 400


def test_a_query_is_utf_8_whatever_the_request_says(as_admin: ApiClient) -> None:
    headers = {"Content-Type": "application/json; charset=unicode_escape"}
    answer = as_admin.get(r"//image/v2/images?name=\ud800", headers=headers)
    assert answer.expect(200).json["images"] == []

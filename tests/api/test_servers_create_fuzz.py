"""``POST /servers``: no body, however odd, breaks the service, and each refusal says why."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import LEGACY, NEWEST, OLDEST, Microversion
from servers.serializers.server_create import ServerCreate
from tests.world.client import ApiClient
from tests.world.orders import Shop
from tests.world.samples import sample

FINE = {202, 400, 403, 409}
VERSIONS = st.one_of(
    st.sampled_from([LEGACY, OLDEST, NEWEST]),
    st.integers(OLDEST.minor, NEWEST.minor).map(lambda minor: Microversion(2, minor)),
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "\x00", "a\n", "9" * 400, "-1", "true", "n" * 256, "😀", "../", "{}"]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def seldom(times: int) -> st.SearchStrategy[bool]:
    """True once in so many times."""
    return st.integers(1, times).map(lambda number: number == times)


def nested(field: Any) -> type[VersionedSerializer] | None:
    """The serializer inside a field, if there is one."""
    for form in (field, getattr(field, "item", None), *getattr(field, "forms", ())):
        inner = getattr(form, "item", form)
        if isinstance(inner, VersionedSerializer):
            return type(inner)
    return None


@st.composite
def objects(draw: st.DrawFn, serializer: type[VersionedSerializer], version: Microversion) -> Any:
    """An object with some of the keys in force: mostly right, sometimes junk."""
    fields = serializer.at(version).fields
    names = draw(st.sets(st.sampled_from(sorted(fields)), max_size=8))
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in names and not field.required:
            continue
        inner = nested(field)
        if draw(seldom(25)):
            value = draw(JUNK)
        elif inner is None:
            value = sample(field, version)
        elif isinstance(field, VersionedSerializer):
            value = draw(objects(inner, version))
        else:
            value = draw(st.lists(objects(inner, version), max_size=2))
        found[field.key or name] = value
    if draw(seldom(25)):
        found |= draw(st.dictionaries(TEXTS, JUNK, max_size=2))
    return found


@st.composite
def requests(draw: st.DrawFn) -> tuple[Microversion, Any]:
    version = draw(VERSIONS)
    return version, draw(JUNK if draw(seldom(10)) else objects(ServerCreate, version))


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=requests(), real=seldom(4).map(lambda odd: not odd))
def test_no_body_breaks_the_service(
    shop: Shop, as_member: ApiClient, request: tuple[Microversion, Any], real: bool
) -> None:
    version, body = request
    server = body.get("server") if isinstance(body, dict) else None
    if real and isinstance(server, dict):  # far enough to reach what comes after the form
        server |= {"flavorRef": shop.flavor.flavorid, "imageRef": shop.image_id}
    legacy = version == LEGACY
    with transaction.atomic():
        answer = as_member.post(
            "//compute/v2/servers" if legacy else "/servers",
            json.dumps(body).encode("utf-8", "surrogatepass"),
            microversion=None if legacy else str(version),
        )
        transaction.set_rollback(True)
    assert answer.status in FINE, answer.content
    if answer.status == 400:
        assert answer.fault == "badRequest"
        assert answer.errors, answer.content

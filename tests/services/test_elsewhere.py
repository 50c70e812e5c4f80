"""How services elsewhere are called: by whose token, how often, for how long, and what comes of it
when they do not answer.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction

from compute_site.caller import Caller
from compute_site.db.whole import whole
from compute_site.faults import Unauthorized
from compute_site.metrics import meters
from compute_site.neighbours.elsewhere.checks import check_login
from compute_site.neighbours.elsewhere.faults import BadThere, ConflictThere, NotThere
from compute_site.neighbours.elsewhere.outside import CalledInTransaction
from compute_site.neighbours.elsewhere.remote import RemoteService
from compute_site.neighbours.image.protocol import ImageServiceUnavailable
from compute_site.neighbours.volume.openstack.service import call as call_cinder
from compute_site.options import read_options
from compute_site.request_id import sent_by
from tests.world.elsewhere import Asked, Cloud, Told, cloud_elsewhere, joined

IMAGES = RemoteService("image", "image", "/v2", "image_endpoint", ImageServiceUnavailable)
FOUND = Told(200, {"images": []})
CALLER = Caller(
    user_id="u",
    user_name="u",
    project_id="p",
    project_name="p",
    roles=frozenset(),
    rules=frozenset(),
    token="token-of-a-user",
)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_elsewhere() as cloud:
        yield cloud


def test_a_user_is_named_by_the_own_token_and_this_site_by_its_own(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = FOUND
    IMAGES.call("GET", "/images", caller=CALLER)
    IMAGES.call("GET", "/images")

    of_user, ours = cloud.calls("/v2/images")
    assert of_user.headers["x-auth-token"] == "token-of-a-user"
    assert of_user.headers["x-service-token"] == "service-token-1"
    assert ours.headers["x-auth-token"] == "service-token-1"
    assert "x-service-token" not in ours.headers


def test_the_site_logs_in_once(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = FOUND
    for _ in range(3):
        IMAGES.call("GET", "/images")
    assert cloud.logins == 1


def test_the_request_id_goes_along(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = FOUND
    request_id = "req-00000000-0000-4000-8000-000000000001"
    with sent_by(request_id):
        IMAGES.call("GET", "/images")
    assert cloud.calls("/v2")[0].headers["x-openstack-request-id"] == request_id


def test_a_url_of_the_options_counts_more_than_the_catalogue(cloud: Cloud) -> None:
    cloud.answers["GET /glance/v2/images"] = FOUND
    with joined(cloud, image_endpoint=f"{cloud.url}/glance/v2/"):
        IMAGES.call("GET", "/images")
    assert [asked.path for asked in cloud.calls("/glance")] == ["/glance/v2/images"]


def test_a_token_of_ours_that_has_ended_is_renewed(cloud: Cloud) -> None:
    def answer(asked: Asked) -> Told:
        return FOUND if asked.headers["x-auth-token"] == "service-token-2" else Told(401)

    cloud.answers["POST /v2/images"] = answer
    assert IMAGES.call("POST", "/images", json={"name": "n"}).status == 200
    assert cloud.logins == 2


def test_a_service_token_that_goes_along_is_renewed_as_well(cloud: Cloud) -> None:
    def answer(asked: Asked) -> Told:
        ours = {asked.headers["x-auth-token"], asked.headers["x-service-token"]}
        return Told(200, {"volume_types": []}) if ours == {"service-token-2"} else Told(401)

    cloud.answers["GET /v3/types"] = answer
    assert call_cinder("GET", "/types") == {"volume_types": []}
    assert cloud.logins == 2


def test_a_token_of_the_user_that_has_ended_is_401(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = Told(401)
    with pytest.raises(Unauthorized):
        IMAGES.call("GET", "/images", caller=CALLER)


def test_a_site_that_may_not_what_it_must_is_503(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = Told(403, {"message": "no"})
    with pytest.raises(ImageServiceUnavailable, match="image service") as raised:
        IMAGES.call("GET", "/images")
    assert raised.value.headers["Retry-After"]


@pytest.mark.parametrize(
    ("told", "error", "text"),
    [
        (Told(404, b"<h1>404 Not Found</h1> No <b>image</b> here"), NotThere, "No image here"),
        (Told(400, {"NeutronError": {"message": "odd"}}), BadThere, "image service says: odd"),
        (Told(409, {"conflict": {"code": 409, "message": "busy"}}), ConflictThere, "busy"),
    ],
)
def test_what_is_refused_keeps_its_status_and_says_who(
    cloud: Cloud, told: Told, error: type[Exception], text: str
) -> None:
    cloud.answers["GET /v2/images/1"] = told
    with pytest.raises(error, match=text):
        IMAGES.call("GET", "/images/1", caller=CALLER)


@pytest.mark.parametrize("told", [Told(500), Told(503), Told(200, b"{not json")])
def test_a_service_that_fails_is_503(cloud: Cloud, told: Told) -> None:
    cloud.answers["GET /v2/images"] = told
    with pytest.raises(ImageServiceUnavailable):
        IMAGES.call("GET", "/images")


def test_an_answer_in_another_form_is_503(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = Told(200, {"pictures": []})
    answer = IMAGES.call("GET", "/images")
    with pytest.raises(ImageServiceUnavailable):
        IMAGES.read(answer, lambda body: body["images"])


def test_what_only_reads_is_asked_again_when_the_connection_breaks(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = [Told(hangs_up=True), FOUND]
    assert IMAGES.call("GET", "/images").status == 200
    assert len(cloud.calls("/v2")) == 2


def test_what_may_have_been_done_is_not_asked_again(cloud: Cloud) -> None:
    cloud.answers["POST /v2/images"] = [Told(hangs_up=True), FOUND]
    with pytest.raises(ImageServiceUnavailable):
        IMAGES.call("POST", "/images", json={"name": "n"})
    assert len(cloud.calls("/v2")) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_waited_in_vain_does_not_wait_again(cloud: Cloud, method: str) -> None:
    def wait(_asked: Asked) -> Told:
        cloud.released.wait(30)
        return FOUND

    with joined(cloud, openstack_read_seconds=0.3):
        IMAGES.root  # noqa: B018 - logs in
        cloud.answers[f"{method} /v2/images"] = wait
        with pytest.raises(ImageServiceUnavailable, match="does not answer"):
            IMAGES.call(method, "/images")
    assert len(cloud.calls("/v2")) == 1


def test_a_service_that_is_away_is_503(cloud: Cloud) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with (
            joined(cloud, image_endpoint=f"http://127.0.0.1:{port}"),
            pytest.raises(ImageServiceUnavailable, match="does not answer"),
        ):
            IMAGES.call("POST", "/images", json={})


def test_a_keystone_that_lets_nobody_in_is_503(cloud: Cloud) -> None:
    cloud.answers["POST /v3/auth/tokens"] = Told(401, {"error": {"message": "wrong"}})
    with pytest.raises(ImageServiceUnavailable, match="Keystone"):
        IMAGES.call("GET", "/images")


def test_each_call_is_counted(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.answers["GET /v2/images"] = FOUND
    monkeypatch.setattr(meters, "_pending", {})
    IMAGES.call("GET", "/images")
    assert meters._pending[meters.SERVICE_CALLS, ("image", "GET", "200")] == 1
    assert meters._pending[meters.SERVICE_SECONDS, ("image",)] > 0


@pytest.mark.django_db
def test_nothing_is_called_while_a_transaction_is_open(cloud: Cloud) -> None:
    with transaction.atomic(), pytest.raises(CalledInTransaction, match="GET /images"):
        IMAGES.call("GET", "/images")
    with whole(), transaction.atomic(), pytest.raises(CalledInTransaction):
        IMAGES.call("GET", "/images")
    assert cloud.asked == []


@pytest.mark.django_db
def test_a_request_that_is_one_transaction_calls_before_it_opens_another(cloud: Cloud) -> None:
    cloud.answers["GET /v2/images"] = FOUND
    with whole():
        assert IMAGES.call("GET", "/images").status == 200


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "OPENSTACK_AUTH_URL"),
        ({"OPENSTACK_AUTH_URL": "keystone"}, "OPENSTACK_AUTH_URL"),
        ({"OPENSTACK_USERNAME": ""}, "OPENSTACK_USERNAME"),
        ({"OPENSTACK_APPLICATION_CREDENTIAL_ID": "a"}, "OPENSTACK_APPLICATION_CREDENTIAL_SECRET"),
        ({"OPENSTACK_CA_FILE": "/nonexistent/ca.pem"}, "OPENSTACK_CA_FILE"),
    ],
)
def test_the_check_names_what_is_missing(
    given: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"COMPUTE_SITE_IMAGE_SERVICE": "openstack"}
    values |= {f"COMPUTE_SITE_{name}": text for name, text in given.items()}
    monkeypatch.setattr(settings, "OPTIONS", read_options(values))
    assert any(f"COMPUTE_SITE_{missing}" in error.msg for error in check_login())


def test_the_check_is_content_with_what_is_complete(cloud: Cloud) -> None:
    assert check_login() == []
    alone = dataclasses.replace(
        settings.OPTIONS,
        image_service="compute_site.neighbours.image.local",
        openstack_auth_url="",
    )
    with pytest.MonkeyPatch.context() as patch:  # undone before the cloud is left
        patch.setattr(settings, "OPTIONS", alone)
        assert check_login() == []

"""``Idempotency-Key``: a POST that is sent again has its effect once, and the same answer."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.conf import settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django import app

from compute_site.idempotency import once
from compute_site.idempotency.models import KeptAnswer
from compute_site.idempotency.once import purge_kept_answers
from servers.models import Instance, InstanceAction, KeyPair, ServerGroup
from servers.serializers.server_created import ServerCreated
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance
from tests.world.orders import Shop, limit
from tests.world.threads import run_at_once

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
REPLAYED = "Idempotent-Replayed"


def post(
    client: ApiClient, path: str, body: Any, key: str | None = KEY, version: str = "2.90"
) -> Answer:
    return client.post(path, body, microversion=version, headers={"Idempotency-Key": key})


def show_same(first: Answer, again: Answer) -> None:
    """They differ only in the request id and in the word that one was kept."""
    assert (again.status, again.content) == (first.status, first.content)
    own = {"x-openstack-request-id", "x-compute-request-id", REPLAYED.lower()}
    headers = [
        {name.lower(): value for name, value in answer.headers.items() if name.lower() not in own}
        for answer in (first, again)
    ]
    assert headers[0] == headers[1]
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"


def test_a_create_that_is_sent_again_makes_no_second_server(
    shop: Shop, as_member: ApiClient
) -> None:
    first = post(as_member, "/servers", shop.body()).expect(202)
    again = post(as_member, "/servers", shop.body())
    show_same(first, again)
    assert again.json["server"]["adminPass"]
    assert Instance.objects.count() == 1
    assert again.headers["x-compute-request-id"] != first.headers["x-compute-request-id"]


def test_the_order_of_members_and_white_space_make_no_other_request(
    shop: Shop, as_member: ApiClient
) -> None:
    first = post(as_member, "/servers", shop.body()).expect(202)
    server = dict(reversed(shop.body()["server"].items()))
    show_same(first, post(as_member, "/servers", {"server": server}))


def test_the_answer_is_kept_when_the_server_is_gone(shop: Shop, as_member: ApiClient) -> None:
    first = post(as_member, "/servers", shop.body()).expect(202)
    as_member.delete(f"/servers/{first.json['server']['id']}").expect(204)
    show_same(first, post(as_member, "/servers", shop.body()))


def test_several_servers_are_counted_once(shop: Shop, as_member: ApiClient) -> None:
    limit("instances", 3)
    body = shop.body(min_count=2, max_count=5, return_reservation_id=True)
    first = post(as_member, "/servers", body).expect(202)
    show_same(first, post(as_member, "/servers", body))
    assert Instance.objects.count() == 3


@pytest.mark.parametrize("change", ["body", "microversion", "query"])
def test_a_key_that_was_used_for_another_request_is_refused(
    shop: Shop, as_member: ApiClient, change: str
) -> None:
    post(as_member, "/servers", shop.body()).expect(202)
    refused = post(
        as_member,
        "/servers?a=b" if change == "query" else "/servers",
        shop.body(name="other") if change == "body" else shop.body(),
        version="2.89" if change == "microversion" else "2.90",
    ).expect(422)
    assert "Idempotency-Key" in refused.message
    assert refused.errors[0]["code"] == "idempotency_key_reused"
    assert Instance.objects.count() == 1


def test_a_key_belongs_to_one_user_in_one_project_at_one_url(
    shop: Shop, as_member: ApiClient, as_second_member: ApiClient, as_outsider: ApiClient
) -> None:
    for client in (as_member, as_second_member, as_outsider):
        assert REPLAYED not in post(client, "/servers", shop.body()).expect(202).headers
    assert Instance.objects.count() == 3
    server = make_instance()
    for name in ("lock", "unlock"):
        post(as_member, f"/servers/{server.uuid}/action", {name: None}, key=f"k-{name}").expect(202)
    other = make_instance()
    post(as_member, f"/servers/{other.uuid}/action", {"lock": None}, key="k-lock").expect(202)
    assert InstanceAction.objects.filter(action="lock").count() == 2


def test_without_a_key_nothing_is_kept(
    shop: Shop, as_member: ApiClient, statements: Callable[[], AbstractContextManager[Any]]
) -> None:
    for _ in range(2):
        as_member.post("/servers", shop.body(), microversion="2.90").expect(202)
    with statements() as seen:
        as_member.get("/servers", headers={"Idempotency-Key": KEY}).expect(200)
    assert not any("kept" in query["sql"] for query in seen.captured_queries)
    assert Instance.objects.count() == 2
    assert not KeptAnswer.objects.exists()


def test_a_key_costs_a_few_statements_whatever_is_made(
    shop: Shop,
    as_member: ApiClient,
    statements: Callable[[], AbstractContextManager[CaptureQueriesContext]],
) -> None:
    numbers = []
    for key in (None, None, "a", "b"):
        with statements() as seen:
            post(as_member, "/servers", shop.body(), key=key).expect(202)
        numbers.append(len(seen))
    assert numbers[-1] - numbers[1] <= 2  # look and keep
    with statements() as seen:
        post(as_member, "/servers", shop.body(), key="b").expect(202)
    assert len(seen) <= 5


def test_a_refused_request_is_not_remembered(shop: Shop, as_member: ApiClient) -> None:
    post(as_member, "/servers", shop.body(flavorRef="none")).expect(400)
    limit("instances", 0)
    post(as_member, "/servers", shop.body()).expect(403)
    limit("instances", 1)
    assert REPLAYED not in post(as_member, "/servers", shop.body()).expect(202).headers


@pytest.mark.usefixtures("transactional_db")
def test_a_trial_with_a_key_tells_of_the_quota_and_leaves_nothing(
    shop: Shop, as_member: ApiClient
) -> None:
    limit("instances", 0)
    first = post(as_member, "/servers/dry-run", shop.body()).expect(200)
    assert [fault["stage"] for fault in first.json["dry_run"]["faults"]] == ["quota"]
    assert KeptAnswer.objects.count() == 1
    show_same(first, post(as_member, "/servers/dry-run", shop.body()))
    assert not Instance.objects.exists()


def test_an_error_of_ours_is_not_remembered_and_leaves_nothing(
    shop: Shop, as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(ServerCreated, "show", fail)
        post(as_member, "/servers", shop.body()).expect(500)
    assert not Instance.objects.exists()
    post(as_member, "/servers", shop.body()).expect(202)
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\tb"])
def test_what_is_no_key_is_refused(shop: Shop, as_member: ApiClient, key: str) -> None:
    refused = post(as_member, "/servers", shop.body(), key=key).expect(400)
    assert refused.blamed == ["Idempotency-Key"]
    assert not Instance.objects.exists()


def test_the_longest_key_and_one_in_quotation_marks_are_keys(
    shop: Shop, as_member: ApiClient
) -> None:
    for key in ("x" * 255, f'"{KEY}"', "!~"):
        show_same(
            post(as_member, "/servers", shop.body(), key=key).expect(202),
            post(as_member, "/servers", shop.body(), key=key),
        )


def test_every_post_can_be_repeated(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_instance()
    flavor = {"name": "n", "ram": 64, "vcpus": 1, "disk": 0}
    asked: list[tuple[ApiClient, str, Any]] = [
        (as_member, f"/servers/{server.uuid}/action", {"lock": {"locked_reason": "r"}}),
        (as_member, "/os-keypairs", {"keypair": {"name": "k", "type": "ssh"}}),
        (as_member, "/os-server-groups", {"server_group": {"name": "g", "policy": "affinity"}}),
        (as_member, f"/servers/{make_instance().uuid}/metadata", {"metadata": {"a": "b"}}),
        (as_admin, "/flavors", {"flavor": flavor}),
        (as_admin, "/os-aggregates", {"aggregate": {"name": "a"}}),
    ]
    for client, path, body in asked:
        first = post(client, path, body)
        assert first.status < 300, first.content
        show_same(first, post(client, path, body))
    assert InstanceAction.objects.filter(action="lock").count() == 1
    assert ServerGroup.objects.count() == 1


def test_secrets_in_kept_answers_are_sealed(as_member: ApiClient) -> None:
    body = {"keypair": {"name": "k"}}
    first = post(as_member, "/os-keypairs", body, version="2.1").expect(200)
    assert "PRIVATE KEY" in first.json["keypair"]["private_key"]
    assert "PRIVATE" not in KeptAnswer.objects.get().body
    show_same(first, post(as_member, "/os-keypairs", body, version="2.1"))
    assert KeyPair.objects.count() == 1


def test_the_admin_password_in_a_kept_answer_is_sealed(shop: Shop, as_member: ApiClient) -> None:
    first = post(as_member, "/servers", shop.body(adminPass="open sesame")).expect(202)
    assert first.json["server"]["adminPass"] == "open sesame"
    kept = KeptAnswer.objects.get()
    assert all("sesame" not in str(getattr(kept, field.name)) for field in kept._meta.fields)


def test_workers_purge_answers_that_are_not_kept_any_more(shop: Shop, as_member: ApiClient) -> None:
    for key in ("old", "new"):
        post(as_member, "/servers", shop.body(), key=key).expect(202)
    assert settings.OPTIONS.idempotency_key_seconds == dt.timedelta(days=1).total_seconds()
    yesterday = timezone.now() - dt.timedelta(days=1)
    KeptAnswer.objects.filter(key="old").update(created_at=yesterday)
    app.perform_import_paths()
    app.tasks["servers.purge_jobs"].func(timestamp=0)
    assert [kept.key for kept in KeptAnswer.objects.all()] == ["new"]


def test_answers_are_kept_for_a_day(shop: Shop, as_member: ApiClient) -> None:
    post(as_member, "/servers", shop.body()).expect(202)
    assert purge_kept_answers() == 0
    age = dt.timedelta(seconds=settings.OPTIONS.idempotency_key_seconds)
    KeptAnswer.objects.update(created_at=timezone.now() - age)
    assert REPLAYED not in post(as_member, "/servers", shop.body()).expect(202).headers
    assert Instance.objects.count() == 2
    KeptAnswer.objects.update(created_at=timezone.now() - age)
    assert purge_kept_answers() == 1


@pytest.mark.usefixtures("transactional_db")
def test_of_requests_at_once_one_has_the_effect(shop: Shop, cast: Cast) -> None:
    def send() -> Answer:
        return post(ApiClient(cast.member), "/servers", shop.body())

    answers = [answer for answer in run_at_once([send] * 12) if isinstance(answer, Answer)]
    assert len(answers) == 12
    assert Instance.objects.count() == 1
    assert {answer.status for answer in answers} <= {202, 409}
    assert all(answer.headers["Retry-After"] == "1" for answer in answers if answer.status == 409)
    made = [answer.content for answer in answers if answer.status == 202]
    assert len(set(made)) == 1
    assert send().content == made[0]


@pytest.mark.usefixtures("transactional_db")
def test_a_repetition_is_told_to_wait_while_the_first_request_runs(
    shop: Shop, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    keep = functools.partial(once._keep)  # the moment before the end

    def repeat_before_the_end(*arguments: Any) -> None:
        if not seen:
            seen.append(None)
            ask = functools.partial(post, ApiClient(cast.member), "/servers", shop.body())
            seen.extend(run_at_once([ask]))
        keep(*arguments)

    monkeypatch.setattr(once, "_keep", repeat_before_the_end)
    first = post(ApiClient(cast.member), "/servers", shop.body()).expect(202)
    [waiting] = seen[1:]
    assert waiting.expect(409).headers["Retry-After"] == "1"
    show_same(first, post(ApiClient(cast.member), "/servers", shop.body()))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("//network/v2.0/networks", {"network": {"name": "n"}}),
        ("//volume/v3/volumes", {"volume": {"size": 1}}),
        ("//image/v2/images", {"name": "i"}),
        ("//identity/v3/projects", {"project": {"name": "p"}}),
        ("//placement/resource_providers", {"name": "p"}),
    ],
)
def test_the_other_apis_drop_no_key_in_silence(as_admin: ApiClient, path: str, body: Any) -> None:
    refused = as_admin.post(path, body, headers={"Idempotency-Key": KEY})
    assert refused.status == 400, refused.content
    assert b"Idempotency-Key" in refused.content
    as_admin.get(path, headers={"Idempotency-Key": KEY}).expect(200)
    assert not KeptAnswer.objects.exists()

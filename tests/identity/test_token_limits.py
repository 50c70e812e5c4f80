"""What limits a token stands in its own row, so that a request reads neither the application
credential nor the trust.
"""

from __future__ import annotations

import datetime as dt
import importlib
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from compute_site.identity.models import ApplicationCredential, Role, Token, Trust
from compute_site.identity.tokens import digest_of
from compute_site.policy.granted import OF_TOKEN_WITH_RULES, find_token_with_rules
from tests.world.cast import Cast

pytestmark = pytest.mark.django_db
MIGRATION = importlib.import_module("compute_site.identity.migrations.0013_limits_of_tokens")
RULES = [{"id": "r", "service": "compute", "method": "GET", "path": "/v2.1/servers"}]


def credential_of(cast: Cast) -> ApplicationCredential:
    return ApplicationCredential.objects.create(
        name="robot",
        user_id=cast.member.user_id,
        project=cast.alpha,
        role=Role.READER,
        others=["other"],
        access_rules=RULES,
        secret_hash="-",
    )


def trust_of(cast: Cast) -> Trust:
    return Trust.objects.create(
        trustor_id=cast.member.user_id,
        trustee_id=cast.outsider.user_id,
        holder_id=cast.member.user_id,
        project=cast.alpha,
        roles=[],
        role=Role.MEMBER,
    )


def token_for(cast: Cast, digest: str, **values: Any) -> Token:
    now = timezone.now()
    return Token.objects.create(
        digest=digest,
        user_id=cast.outsider.user_id,
        project=cast.alpha,
        audit_id=digest[:22],
        issued_at=now,
        expires_at=now + dt.timedelta(hours=1),
        **values,
    )


def test_tokens_from_before_get_the_limits_of_what_they_were_got_with(cast: Cast) -> None:
    wrong = {"role": "admin", "others": []}
    of_credential = token_for(cast, "1", credential=credential_of(cast), **wrong)
    of_trust = token_for(cast, "2", trust=trust_of(cast), **wrong)
    plain = token_for(cast, "3")
    with connection.cursor() as cursor:
        cursor.execute(MIGRATION.OF_CREDENTIALS)
        cursor.execute(MIGRATION.OF_TRUSTS)
    for token in (of_credential, of_trust, plain):
        token.refresh_from_db()
    limits = (of_credential.role, of_credential.others, of_credential.access_rules)
    assert limits == ("reader", ["other"], RULES)
    assert (of_trust.role, of_trust.holder) == ("member", cast.member.user_id)
    assert (plain.role, plain.others, plain.holder, plain.access_rules) == (None,) * 4


@pytest.mark.parametrize("limit", [credential_of, trust_of])
def test_no_token_of_a_credential_or_trust_is_without_limits(cast: Cast, limit: Any) -> None:
    made = limit(cast)
    kind = "trust" if isinstance(made, Trust) else "credential"
    with pytest.raises(IntegrityError, match="identity_token_limits"):
        token_for(cast, "1", **{kind: made})


def test_the_statement_of_each_request_reads_no_other_tables_for_limits(cast: Cast) -> None:
    digest = digest_of(cast.member.token)
    found = find_token_with_rules(digest)
    assert found is not None
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {OF_TOKEN_WITH_RULES}", {"digest": digest, "type": 1})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    read = {word for word in plan.split() if word.startswith("identity_")}
    assert "identity_token" in read
    assert not read & {"identity_trust", "identity_applicationcredential", "identity_accessrule"}

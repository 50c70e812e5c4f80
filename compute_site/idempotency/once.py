"""Does what a request asks once, however often it is sent.

The rules follow the draft standard of the header ``Idempotency-Key``. Two requests with one key are
told apart by a lock that ends with the transaction: while the first one runs, the other is refused;
afterwards it gets the first one's answer.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.utils import timezone

from compute_site.db.prepared import prepared_cursor
from compute_site.db.whole import whole
from compute_site.faults import Conflict, Fault
from compute_site.idempotency.models import KeptAnswer
from compute_site.secrets.sealing import seal, unseal

LOOK = """
SELECT pg_try_advisory_xact_lock(%(lock)s),
       kept.request_digest, kept.status, kept.headers, kept.body
  FROM (SELECT 1) AS always
  LEFT JOIN idempotency_keptanswer AS kept
         ON kept.digest = %(digest)s AND kept.created_at > %(since)s
"""
KEEP = """
INSERT INTO idempotency_keptanswer AS kept (digest, request_digest, project_id, user_id, method,
       path, key, status, headers, body, created_at)
VALUES (%(digest)s, %(request_digest)s, %(project_id)s, %(user_id)s, %(method)s,
       %(path)s, %(key)s, %(status)s, %(headers)s, %(body)s, %(created_at)s)
    ON CONFLICT (digest) DO UPDATE
   SET request_digest = excluded.request_digest, status = excluded.status,
       headers = excluded.headers, body = excluded.body, created_at = excluded.created_at
 WHERE kept.created_at <= %(since)s
RETURNING status
"""
Result = TypeVar("Result")
ATTEMPTS = 2
"""Whoever is overtaken finds the other's answer at the second look."""


class StillRunning(Conflict):
    """The first request with this key has not ended."""

    code = "idempotent_request_running"
    headers = {"Retry-After": "1"}


class KeyUsedForOther(Fault):
    """The key was used for a request that asked something else."""

    status = 422
    code = "idempotency_key_reused"


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeyedRequest:
    """``asked`` is everything that decides what the request does, besides its address."""

    project_id: str
    user_id: str
    method: str
    path: str
    key: str
    asked: tuple[bytes, ...]

    @functools.cached_property
    def digest(self) -> str:
        """Identifies the request: requests with the same digest are repetitions of each other."""
        address = (self.project_id, self.user_id, self.method, self.path, self.key)
        return _digest(tuple(part.encode() for part in address))

    @functools.cached_property
    def request_digest(self) -> str:
        """Tells whether a repetition asks the same."""
        return _digest(self.asked)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``body`` is the text that was sent; empty where there was none."""

    status: int
    headers: Mapping[str, str]
    body: str


class _Overtaken(Exception):
    """Another request with the key has been committed since the look."""


def do_once(
    request: KeyedRequest, do: Callable[[], tuple[Result, Answer]]
) -> tuple[Result | None, Answer]:
    """What ``do`` returns, and the answer is kept in the transaction of all that it writes; or
    ``None`` and the answer that was kept for an earlier request. What raises is not kept, and
    leaves nothing.

    Raises:
        StillRunning: the first request with this key has not ended.
        KeyUsedForOther: the key belongs to a request that asked something else.
    """
    for _ in range(ATTEMPTS):
        try:
            with whole():
                kept = _look(request)
                if kept is not None:
                    return None, kept
                result, answer = do()
                _keep(request, answer)
                return result, answer
        except _Overtaken:
            continue
    raise _still_running()


def purge_kept_answers() -> int:
    """Delete the answers that are older than they are kept; return how many there were."""
    return KeptAnswer.objects.filter(created_at__lte=_since()).delete()[0]


def _look(request: KeyedRequest) -> Answer | None:
    """The kept answer; without one, the lock of this key is held to the end of the transaction."""
    digest = request.digest
    lock = int.from_bytes(bytes.fromhex(digest[:16]), signed=True)
    with prepared_cursor() as cursor:
        cursor.execute(LOOK, {"lock": lock, "digest": digest, "since": _since()})
        is_alone, request_digest, status, headers, body = cursor.fetchone()
    if status is not None:
        if request_digest != request.request_digest:
            raise KeyUsedForOther(
                "This Idempotency-Key was used for a request with another body, query or "
                "microversion; take a new key for a new request."
            )
        return Answer(status=status, headers=json.loads(headers), body=unseal(body))
    if not is_alone:
        raise _still_running()
    return None


def _keep(request: KeyedRequest, answer: Answer) -> None:
    values: dict[str, Any] = {
        "digest": request.digest,
        "request_digest": request.request_digest,
        "project_id": request.project_id,
        "user_id": request.user_id,
        "method": request.method,
        "path": request.path,
        "key": request.key,
        "status": answer.status,
        "headers": json.dumps(dict(answer.headers)),
        "body": seal(answer.body),
        "created_at": timezone.now(),
        "since": _since(),
    }
    with prepared_cursor() as cursor:
        cursor.execute(KEEP, values)
        if not cursor.fetchall():
            raise _Overtaken


def _since() -> dt.datetime:
    """Answers of that time and before are not kept any more."""
    return timezone.now() - dt.timedelta(seconds=settings.OPTIONS.idempotency_key_seconds)


def _still_running() -> StillRunning:
    return StillRunning("The first request with this Idempotency-Key is still running.")


def _digest(parts: tuple[bytes, ...]) -> str:
    """SHA-256 of parts, with their lengths, so that no two lists of parts read alike."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()

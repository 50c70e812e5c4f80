"""The header ``Idempotency-Key``: a POST that a client may send again until it has the answer."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.idempotency.once import Answer, KeyedRequest
from compute_site.values.strict_json import write_json

IDEMPOTENCY_KEY = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
"""The header of an answer that was kept from the first request."""
VALID_KEY = re.compile(r"[!-~]{1,255}")


class KeyInvalid(BadRequest):
    """The header holds no key."""

    code = "idempotency_key_invalid"


class KeyUnsupported(BadRequest):
    """The API keeps no answers, so that a client cannot rely on its key."""

    code = "idempotency_key_unsupported"


def has_key(request: Request) -> bool:
    """May the client send this request again? Only POST needs that."""
    return request.method == "POST" and "HTTP_IDEMPOTENCY_KEY" in request.META


def refuse_key(request: Request) -> None:
    """Refuse a key that nothing would be done with.

    Raises:
        KeyUnsupported: the request has one.
    """
    if request.method in ("POST", "PATCH") and "HTTP_IDEMPOTENCY_KEY" in request.META:
        raise KeyUnsupported(
            f"{IDEMPOTENCY_KEY}: this API keeps no answers. Send the request without it, and look "
            "whether it was done before you send it again.",
            field=IDEMPOTENCY_KEY,
        )


def read_keyed(request: Any, body: Any) -> KeyedRequest:
    """The request as repetitions of it are recognised: by caller, URL and key, and by what it asks,
    whatever the order of the members of its body. ``request`` has a caller and a version.

    Raises:
        KeyInvalid: the header holds no key.
    """
    key = request.META["HTTP_IDEMPOTENCY_KEY"]
    if not VALID_KEY.fullmatch(key):
        detail = "Give 1 to 255 visible ASCII characters, without spaces."
        raise KeyInvalid(f"{IDEMPOTENCY_KEY}: {detail}", field=IDEMPOTENCY_KEY)
    return KeyedRequest(
        project_id=request.caller.project_id,
        user_id=request.caller.user_id,
        method=request.method,
        path=request.path,
        key=key,
        asked=(
            str(request.version).encode(),
            request.META.get("QUERY_STRING", "").encode(),
            json.dumps(body, sort_keys=True).encode(),
        ),
    )


def as_kept(response: Response) -> Answer:
    """What is kept of a view's answer before it is rendered."""
    headers = {name: value for name, value in response.items() if name != "Content-Type"}
    body = "" if response.data is None else write_json(response.data).decode()
    return Answer(status=response.status_code, headers=headers, body=body)


def read_kept(answer: Answer) -> Any:
    """The body of a kept answer, to be written as it was."""
    return orjson.Fragment(answer.body) if answer.body else None

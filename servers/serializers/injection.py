"""The bodies of ``POST /faults``, a serializer for each kind; the admin's forms are read by them as
well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.faults import FieldFault, InvalidBody
from compute_site.neighbours.serializers import BodySerializer, first_text
from compute_site.values.keys import shown
from servers.injections.shapes import BUILD, HOST, QUOTA, REQUEST, SHAPES, InjectionOrder

WRONG_KEY = "wrong_key"


class BuildFault(BodySerializer):
    """Builds that fail or hang."""

    shape = SHAPES[BUILD]


class RequestFault(BodySerializer):
    """Requests that get an error, no answer, or a late one."""

    shape = SHAPES[REQUEST]


class HostFault(BodySerializer):
    """A host that is down."""

    shape = SHAPES[HOST]


class QuotaFault(BodySerializer):
    """A quota that is full."""

    shape = SHAPES[QUOTA]


BY_KIND: Mapping[str, type[BodySerializer]] = {
    BUILD: BuildFault,
    REQUEST: RequestFault,
    HOST: HostFault,
    QUOTA: QuotaFault,
}


def read_injection(body: Any) -> InjectionOrder:
    """The fault that a body asks for.

    Raises:
        InvalidBody: it does not have the shape; all that is wrong is listed.
    """
    given = body.get("fault") if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise InvalidBody([FieldFault("fault", WRONG_KEY, "send an object under fault")])
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in BY_KIND:
        told = f"give one of {', '.join(BY_KIND)}, not {shown(kind)}"
        raise InvalidBody([FieldFault("fault.kind", WRONG_KEY, told)])
    others = {key: value for key, value in given.items() if key != "kind"}
    serializer = BY_KIND[kind](data=others)
    if not serializer.is_valid():
        raise InvalidBody(
            [
                FieldFault(f"fault.{key}", WRONG_KEY, first_text(told))
                for key, told in serializer.errors.items()
            ]
        )
    return InjectionOrder(kind, serializer.validated_data)

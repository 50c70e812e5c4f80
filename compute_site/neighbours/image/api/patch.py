"""The two forms of a PATCH of images; the content type says which one it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from compute_site.faults import BadRequest, UnsupportedMediaType
from compute_site.neighbours.image.local.steps import KINDS, REMOVE, Step
from compute_site.values.keys import shown

V21 = "application/openstack-images-v2.1-json-patch"
V20 = "application/openstack-images-v2.0-json-patch"


def read_patch(content_type: str, body: Any) -> list[Step]:
    """The steps of a body.

    Raises:
        UnsupportedMediaType: the content type is that of no form.
        BadRequest: the body does not have the form.
    """
    read = FORMS.get(content_type.partition(";")[0].strip().lower())
    if read is None:
        raise UnsupportedMediaType(f"Send a patch as {V21} or {V20}.")
    if not isinstance(body, list):
        raise BadRequest("Send a list of operations.")
    return [_read_step(operation, read) for operation in body]


def _read_step(operation: Any, read: Callable[[Mapping[str, Any]], tuple[Any, Any]]) -> Step:
    if not isinstance(operation, dict):
        raise BadRequest("Each operation of a patch is an object.")
    kind, path = read(operation)
    if kind not in KINDS or not isinstance(path, str):
        raise BadRequest(f"An operation is one of {', '.join(KINDS)}, and has a path.")
    if not path.startswith("/") or "/" in path[1:] or len(path) < 2:
        raise BadRequest(f"The path {shown(path)} names no key of an image, such as /name.")
    if kind != REMOVE and "value" not in operation:
        raise BadRequest(f"The operation {kind} needs a value.")
    key = path[1:].replace("~1", "/").replace("~0", "~")
    return Step(str(kind), key, operation.get("value"))


def _kind_and_path_of_v21(operation: Mapping[str, Any]) -> tuple[Any, Any]:
    return operation.get("op"), operation.get("path")


def _kind_and_path_of_v20(operation: Mapping[str, Any]) -> tuple[Any, Any]:
    kinds = [kind for kind in KINDS if kind in operation]
    if len(kinds) != 1:
        raise BadRequest(f"An operation has exactly one of the members {', '.join(KINDS)}.")
    return kinds[0], operation[kinds[0]]


FORMS = {V21: _kind_and_path_of_v21, V20: _kind_and_path_of_v20}

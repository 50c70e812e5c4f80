"""A Neutron elsewhere, and how its answers are read.

Neutron is asked as the service user: only it sees what ports ask of hosts and binds them there. So
what a caller sees and may do is decided here, by the rules that this site keeps for networks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from compute_site.neighbours.elsewhere.remote import Answer, RemoteService
from compute_site.neighbours.network.protocol import NetworkServiceUnavailable

NEUTRON = RemoteService(
    label="network",
    service_type="network",
    version="/v2.0",
    endpoint_option="network_endpoint",
    away=NetworkServiceUnavailable,
)

MOST_VALUES = 100
"""Of a filter in one request, so that no URL gets longer than servers take."""

Object = Mapping[str, Any]


def read_list(kind: str, **filters: Any) -> list[Object]:
    """All objects of a kind (``security-groups``) that have one of the values of each filter. No
    more than one filter has many values.
    """
    found: list[Object] = []
    for part in _parts(filters):
        path, params = f"/{kind}", part
        while True:
            answer = NEUTRON.call("GET", path, params=params)
            key = kind.replace("-", "_")
            page = _rows(answer, key)
            found += page
            if not page or not _has_next(answer.body, key):
                break
            params = {**part, "marker": page[-1]["id"]}
    return found


def read_one(kind: str, object_id: str, **params: Any) -> Object:
    """Raises ``NotThere``."""
    return _only(NEUTRON.call("GET", f"/{kind}/{object_id}", params=params))


def create(kind: str, values: Object) -> Object:
    name = _singular(kind)
    return _only(NEUTRON.call("POST", f"/{kind}", json={name: values}))


def create_all(kind: str, rows: Sequence[Object]) -> list[Object]:
    """Make all of these, or none."""
    key = kind.replace("-", "_")
    return _rows(NEUTRON.call("POST", f"/{kind}", json={key: list(rows)}), key)


def update(kind: str, object_id: str, values: Object) -> Object:
    name = _singular(kind)
    return _only(NEUTRON.call("PUT", f"/{kind}/{object_id}", json={name: values}))


def delete(kind: str, object_id: str) -> None:
    NEUTRON.call("DELETE", f"/{kind}/{object_id}")


def _singular(kind: str) -> str:
    return kind.replace("-", "_").removesuffix("s")


def _rows(answer: Answer, key: str) -> list[Object]:
    return NEUTRON.read(answer, lambda body: list(body[key]))


def _only(answer: Answer) -> Object:
    """The object of which the answer is; it has no other key."""

    def parse(body: Any) -> Object:
        [value] = body.values()
        return dict(value)

    return NEUTRON.read(answer, parse)


def _has_next(body: Mapping[str, Any], key: str) -> bool:
    return any(link.get("rel") == "next" for link in body.get(f"{key}_links", ()))


def _parts(filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The filters with no more values than fit into one request."""
    many = [name for name, value in filters.items() if _is_many(value)]
    if not many:
        yield dict(filters)
        return
    [name] = many
    values = list(dict.fromkeys(filters[name]))
    for begin in range(0, len(values), MOST_VALUES):
        yield {**filters, name: values[begin : begin + MOST_VALUES]}


def _is_many(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str) and len(value) > MOST_VALUES

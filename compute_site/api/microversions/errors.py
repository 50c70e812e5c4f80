"""Faults and DRF's ``ValidationError``: the same mistakes as a flat list and as a tree.

A fault names its place by a path, ``server.networks.0.uuid``; DRF's ``errors`` nest:
``{"server": {"networks": {0: {"uuid": [ErrorDetail(…)]}}}}``. Both use the keys of the wire.
What is wrong with an object as a whole stands under ``non_field_errors``, as DRF has it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.settings import api_settings

from compute_site.faults import FieldFault

WHOLE_BODY = "body"
"""The path of a fault of the body itself."""
Step = str | int


def faults_of(error: ValidationError | DjangoValidationError, path: str) -> list[FieldFault]:
    """What a validator or a ``validate`` method refused; ``path`` is the place that it looked
    at.
    """
    detail = get_error_detail(error) if isinstance(error, DjangoValidationError) else error.detail
    return list(_flat(detail, path))


def _flat(detail: Any, path: str) -> Iterable[FieldFault]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            own = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from _flat(inner, path if own else f"{path}.{key}" if path else str(key))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)  # an item of a list of objects
            yield from _flat(inner, f"{path}.{index}" if nested and path else path)
    else:
        code = getattr(detail, "code", None) or "invalid"
        yield FieldFault(path or WHOLE_BODY, str(code), str(detail))


@dataclasses.dataclass(slots=True)
class _Place:
    is_object: bool
    own: list[ErrorDetail] = dataclasses.field(default_factory=list)
    inner: dict[Step, _Place] = dataclasses.field(default_factory=dict)

    def detail(self) -> Any:
        if not self.inner and not self.is_object:
            return self.own
        nested = {step: place.detail() for step, place in self.inner.items()}
        return {api_settings.NON_FIELD_ERRORS_KEY: self.own, **nested} if self.own else nested


def as_validation_error(faults: Iterable[FieldFault], data: Any, field: Any) -> ValidationError:
    """The faults as DRF nests them; ``data`` is what ``field`` was given to read."""
    root = _Place(field.is_object)
    for fault in faults:
        place, inner = root, field
        for step in _steps(fault.field, data):
            inner = None if inner is None else inner.member(step)
            is_object = inner is not None and inner.is_object
            place = place.inner.setdefault(step, _Place(is_object))
        place.own.append(ErrorDetail(fault.detail, fault.code))
    return ValidationError(root.detail())


def _steps(path: str, data: Any) -> list[Step]:
    """The keys and indexes that a path goes through. A key may hold dots, so the data says where
    one ends; what is left when the data ends is a key that is missing.
    """
    if path == WHOLE_BODY and not (isinstance(data, Mapping) and path in data):
        return []
    steps: list[Step] = []
    while path:
        step, key = _first_step(path, data)
        steps.append(step)
        path = path[len(key) + 1 :]
        known = step in data if isinstance(data, Mapping) else isinstance(step, int)
        data = data[step] if known else None
    return steps


def _first_step(path: str, data: Any) -> tuple[Step, str]:
    if isinstance(data, list | tuple):
        head = path.partition(".")[0]
        if head.isdecimal() and int(head) < len(data):
            return int(head), head
    elif isinstance(data, Mapping):
        keys = [key for key in data if isinstance(key, str) and f"{path}.".startswith(f"{key}.")]
        if keys:
            longest = max(keys, key=len)
            return longest, longest
    return path, path

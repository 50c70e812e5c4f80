"""QoS specs: what is said of the speed of volumes, and which types have it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from compute_site.faults import BadRequest, Conflict, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.volume.local.locking import lock_row
from compute_site.neighbours.volume.models import Volume, VolumeType
from compute_site.neighbours.volume.qos_models import BACK_END, BOTH, FRONT_END, QosSpecs
from compute_site.values.keys import MOST_ITEMS

CONSUMER = "consumer"
"""Is a key of specs on the wire, and a column here."""
LIMITS = tuple(
    f"{direction}_{unit}_sec"
    for direction in ("read", "write", "total")
    for unit in ("iops", "bytes")
)
"""What hosts know to limit of a disk, and can be said for each GiB of it."""


class QosTwice(Conflict):
    """There are QoS specs of this name already."""

    code = "qos_twice"


class QosInUse(BadRequest):
    """Volume types have the QoS specs. Cinder: 400."""

    code = "qos_in_use"


class OtherQos(BadRequest):
    """The type has other QoS specs. Cinder: 400."""

    code = "other_qos"


@transaction.atomic
def create(values: Mapping[str, Any]) -> QosSpecs:
    """Raises: QosTwice: 409."""
    name, given = values["name"].strip(), dict(values["specs"])
    if QosSpecs.objects.filter(name=name).exists():
        raise QosTwice(f"There are QoS specs {name} already.", field="qos_specs.name")
    consumer = given.pop(CONSUMER, None) or BACK_END
    return QosSpecs.objects.create(name=name, consumer=consumer, specs=given)


@transaction.atomic
def set_keys(specs: QosSpecs, given: Mapping[str, str]) -> None:
    """Set these keys; the others stay. Raises: BadRequest: it would have too many."""
    locked = _lock(specs)
    kept = {**locked.specs, **given}
    locked.consumer = kept.pop(CONSUMER, None) or locked.consumer
    if len(kept) > MOST_ITEMS:
        raise BadRequest(f"QoS specs have at most {MOST_ITEMS} keys.", field="qos_specs")
    locked.specs = kept
    locked.save(update_fields=["specs", "consumer"])


@transaction.atomic
def replace(row: QosSpecs, *, consumer: str, specs: Mapping[str, str]) -> None:
    """Let them have these keys and no others."""
    over = set(row.specs) - set(specs)
    if over:
        unset_keys(row, over)
    set_keys(row, {**specs, CONSUMER: consumer})


@transaction.atomic
def unset_keys(specs: QosSpecs, keys: Collection[str]) -> None:
    """Raises: NotFound: one of the keys is not there; all stay."""
    locked = _lock(specs)
    missing = sorted(set(keys) - set(locked.specs))
    if missing:
        raise NotFound(f"The QoS specs {specs.pk} have no key {missing[0][:60]}.")
    locked.specs = {key: text for key, text in locked.specs.items() if key not in keys}
    locked.save(update_fields=["specs"])


@transaction.atomic
def delete(specs: QosSpecs, *, force: bool = False) -> None:
    """``force``: also where types have them, which have none then. Raises: QosInUse."""
    locked = _lock(specs)
    if not force and locked.types.exists():
        raise QosInUse(f"Volume types have the QoS specs {specs.pk}.")
    locked.delete()


@transaction.atomic
def associate(specs: QosSpecs, type_id: str) -> None:
    """
    Raises:
        NotFound: there is no such type.
        OtherQos: it has other QoS specs.
    """
    kind = _find_type(type_id)
    if kind.qos_specs_id not in (None, specs.pk):
        raise OtherQos(f"The type {type_id} has the QoS specs {kind.qos_specs_id}.")
    VolumeType.objects.filter(pk=kind.pk).update(qos_specs=_lock(specs))


@transaction.atomic
def disassociate(specs: QosSpecs, type_id: str) -> None:
    """Nothing is done where the type does not have them. Raises: NotFound: no such type."""
    VolumeType.objects.filter(pk=_find_type(type_id).pk, qos_specs=specs).update(qos_specs=None)


def disassociate_all(specs: QosSpecs) -> None:
    VolumeType.objects.filter(qos_specs=specs).update(qos_specs=None)


def limits_for_host(volume: Volume) -> dict[str, str]:
    """What the host of a server is to keep of the volume, by name; what is said for each GiB is
    multiplied, as in Cinder.
    """
    kind = volume.volume_type
    specs = kind.qos_specs if kind is not None else None
    if specs is None or specs.consumer not in (FRONT_END, BOTH):
        return {}
    limits = {key: str(text) for key, text in specs.specs.items()}
    for name in LIMITS:
        each = limits.pop(f"{name}_per_gb", None)
        least = limits.pop(f"{name}_per_gb_min", "0")
        if each is None:
            continue
        if each.isdecimal() and least.isdecimal():
            limits[name] = str(max(int(least), int(each) * volume.size))
            most = limits.pop(f"{name}_max", "")
            if most.isdecimal():
                limits[name] = str(min(int(limits[name]), int(most)))
        else:
            limits[f"{name}_per_gb"] = each
    return limits


def _lock(specs: QosSpecs) -> QosSpecs:
    return lock_row(QosSpecs.objects.all(), specs.pk, "QoS specs")


def _find_type(type_id: str) -> VolumeType:
    found = VolumeType.objects.select_for_update(of=("self",))
    kind = found.filter(pk__in=canonical_ids([type_id])).first()
    if kind is None:
        raise NotFound(f"There is no volume type {type_id[:60]}.")
    return kind

"""Exports volumes by iSCSI to hosts that do not see their files (option ``volume_export``).

Each attachment of a volume has an export of its own for each host that is to reach it, with a
secret of its own, so that the end of one cuts off that host alone. Rows say what is exported; tgtd
is told afterwards, and again and again (``settle_all``), so that one that begins anew serves
what the one before has served, and nothing is served that no row wants.
"""

from __future__ import annotations

import functools
import logging
import secrets
import uuid
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef

from compute_site.db.locks import Kind, Lock, hold
from compute_site.neighbours.volume.local import data
from compute_site.neighbours.volume.local.tgtd import FIRST_LUN, Served, Tgtd
from compute_site.neighbours.volume.models import Attachment, Export, Volume
from compute_site.secrets.sealing import seal, unseal

logger = logging.getLogger(__name__)

ISCSI = "iscsi"
NAME = "iqn.2026-11.site.compute-site:"
"""What the names of our targets begin with."""
PASSWORD_BYTES = 12
"""16 letters: initiators take no more everywhere."""


def are_used() -> bool:
    return bool(settings.OPTIONS.volume_export == ISCSI)


def control() -> Path:
    """The socket at which tgtd is told what to do (its ``TGT_IPC_SOCKET``)."""
    folder: Path = settings.OPTIONS.volume_target_dir or settings.STATE_DIR / "target"
    return folder / "tgtd"


def connect(volume: Volume, server_id: str, node: str) -> Mapping[str, Any] | None:
    """Export a volume that the server has to the node, and tell the way to it; ``None``: the server
    does not have it.

    Raises:
        TargetServerUnavailable: tgtd does not do it.
    """
    export = _open(volume, server_id, node)
    if export is None:
        return None
    settle([export.pk])
    return {
        "kind": ISCSI,
        "portal": settings.OPTIONS.volume_portal,
        "target": name_of(export.pk),
        "lun": FIRST_LUN,
        "user": export.pk.hex,
        "password": unseal(export.sealed_password),
    }


def close(server_id: str, *, node: str | None = None, but: str | None = None) -> None:
    """This node, or all but this one, reach the volumes of the server no more. An export that is
    closed may be opened again, with the same name and secret.

    Raises:
        TargetServerUnavailable: tgtd does not do it.
    """
    closing = Export.objects.filter(server_id=server_id)
    closing = closing.filter(node=node) if node is not None else closing.exclude(node=but)
    found = list(closing.values_list("pk", flat=True))
    if found:
        Export.objects.filter(pk__in=found, is_open=True).update(is_open=False)
        settle(found)  # also those that were closed before: tgtd may not have obeyed


def find_open() -> set[tuple[str, str]]:
    """Servers and the nodes that reach their volumes."""
    pairs = Export.objects.filter(is_open=True).values_list("server_id", "node")
    return {(str(server_id), node) for server_id, node in pairs}


def open_again(server_ids: Collection[str], node: str) -> None:
    """The guests of these servers that run on the node reach their volumes again, after the
    commit.
    """
    closed = Export.objects.filter(node=node, is_open=False, server_id__in=server_ids)
    found = list(closed.values_list("pk", flat=True))
    if found:
        Export.objects.filter(pk__in=found).update(is_open=True)
        settle_after_commit(found)


def end(attachments: models.QuerySet[Attachment]) -> None:
    """These attachments end in this transaction: so do their exports, after the commit."""
    if not are_used():
        return
    ending = Export.objects.filter(_is_of(attachments))
    found = list(ending.values_list("pk", flat=True))
    if found:
        Export.objects.filter(pk__in=found).delete()
        settle_after_commit(found)


def reread(volume_id: str, server_id: str, node: str) -> None:
    """Let a guest that does nothing with it now see the volume as it has become."""
    _reread(_wanted().filter(volume_id=volume_id, server_id=server_id, node=node))


def settle(ids: Collection[uuid.UUID]) -> None:
    """Let tgtd serve those of these exports that are wanted, and none of the others."""
    with hold(Kind.SITE, Lock.TARGETS):
        wanted = {name_of(export.pk): export for export in _wanted().filter(pk__in=list(ids))}
        _settle(wanted, {name_of(pk) for pk in ids})


def settle_all() -> None:
    """The same for all exports, after a look at all that is served in our name. Rows whose
    attachments have ended are removed.
    """
    Export.objects.exclude(_is_of(Attachment.objects.all())).delete()
    with hold(Kind.SITE, Lock.TARGETS):
        wanted = {name_of(export.pk): export for export in _wanted()}
        _settle(wanted, None)


def settle_after_commit(ids: Collection[uuid.UUID]) -> None:
    """Where tgtd does not answer, ``settle_all`` does it later."""
    transaction.on_commit(functools.partial(_try_to_settle, list(ids)))


def name_of(pk: uuid.UUID) -> str:
    return f"{NAME}{pk}"


@transaction.atomic(durable=True)
def _open(volume: Volume, server_id: str, node: str) -> Export | None:
    """The row, open; made where there is none."""
    having = Attachment.objects.filter(volume=volume, server_id=server_id)
    if not having.exists():
        return None
    new = {"sealed_password": seal(secrets.token_urlsafe(PASSWORD_BYTES))}
    export, _ = Export.objects.get_or_create(
        volume_id=volume.pk, server_id=server_id, node=node, defaults=new
    )
    if not export.is_open:
        Export.objects.filter(pk=export.pk).update(is_open=True)
    return export


def _is_of(attachments: models.QuerySet[Attachment]) -> Exists:
    """Is an export of one of these attachments?"""
    return Exists(attachments.filter(volume=OuterRef("volume_id"), server_id=OuterRef("server_id")))


def _wanted() -> models.QuerySet[Export]:
    return Export.objects.filter(_is_of(Attachment.objects.all()), is_open=True)


def _settle(wanted: Mapping[str, Export], looked_at: Collection[str] | None) -> None:
    """``looked_at``: names of targets that may be removed; ``None``: all of ours."""
    tgtd = Tgtd(control())
    served = tgtd.list_targets()
    whole = {name for name, listed in served.items() if listed.is_complete}
    for name in served.keys() - (wanted.keys() & whole):
        if name.startswith(NAME) and (looked_at is None or name in looked_at):
            logger.info("the export %s ends", name)
            tgtd.remove(served[name].number, _user_of(name))
    last = max((listed.number for listed in served.values()), default=0)
    lacking = [wanted[name] for name in sorted(wanted.keys() - whole)]
    for number, (export, volume, path) in enumerate(_with_files(lacking), last + 1):
        made = Served(
            name=name_of(export.pk),
            path=path,
            user=export.pk.hex,
            password=unseal(export.sealed_password),
            read_only=bool(volume.readonly),
        )
        tgtd.make(made, number)


def _reread(exports: models.QuerySet[Export]) -> None:
    found = list(exports)
    if not found:
        return
    with hold(Kind.SITE, Lock.TARGETS):
        tgtd = Tgtd(control())
        served = tgtd.list_targets()
        for export, _, path in _with_files(found):
            listed = served.get(name_of(export.pk))
            if listed is not None:
                tgtd.reread(listed.number, path)


def _with_files(exports: Collection[Export]) -> Iterator[tuple[Export, Volume, Path]]:
    """Those whose volumes have bytes, with them."""
    volumes = Volume.objects.in_bulk([export.volume_id for export in exports])
    for export in exports:
        volume = volumes.get(export.volume_id)
        path = data.file_of(volume) if volume is not None else None
        if volume is not None and path is not None:
            yield export, volume, path


def _try_to_settle(ids: Collection[uuid.UUID]) -> None:
    try:
        settle(ids)
    except Exception as error:  # noqa: BLE001 - the transaction is committed, and settle_all comes
        logger.warning("exports are settled later: %s", error)


def _user_of(name: str) -> str:
    return name.removeprefix(NAME).replace("-", "")

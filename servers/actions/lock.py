"""Locks a server against everybody but admins, and unlocks it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from servers.lifecycle.guard import lock_row
from servers.lifecycle.history import log_action
from servers.models import Instance
from servers.policies import action as rules

OWNER, ADMIN = "owner", "admin"


def lock_server(caller: Caller, instance: Instance, reason: str | None) -> None:
    """Nova: the owner's second lock changes nothing, an admin's becomes the admin's own.

    Raises:
        NoSuchServer: it was deleted meanwhile.
    """
    by = _role_of(caller, instance)
    columns = {"locked": True, "locked_by": by, "updated_at": timezone.now()}
    if reason:
        columns["locked_reason"] = reason
    with transaction.atomic():
        if lock_row(instance).locked and by == OWNER:
            return
        Instance.objects.filter(pk=instance.pk).update(**columns)
        log_action(caller, instance, "lock", "api_lock")


def unlock_server(caller: Caller, instance: Instance) -> None:
    """Raises ``PolicyRefused`` where somebody else has locked it and the caller may not override
    that, and ``NoSuchServer`` where it was deleted meanwhile.
    """
    free = {"locked": False, "locked_by": None, "locked_reason": None}
    with transaction.atomic():
        if lock_row(instance).locked_by not in (None, _role_of(caller, instance)):
            caller.permit(rules.UNLOCK_OVERRIDE, project_id=instance.project_id)
        Instance.objects.filter(pk=instance.pk).update(**free, updated_at=timezone.now())
        log_action(caller, instance, "unlock", "api_unlock")


def _role_of(caller: Caller, instance: Instance) -> str:
    return OWNER if caller.project_id == instance.project_id else ADMIN

"""Locks a server against everybody but admins, and unlocks it."""

from __future__ import annotations

from django.utils import timezone

from compute_site.identity.caller import Caller
from servers.change.history import log_action
from servers.models import Instance
from servers.policies import action as rules

OWNER, ADMIN = "owner", "admin"


def lock_server(caller: Caller, instance: Instance, reason: str | None) -> None:
    """Nova: the owner's second lock changes nothing, an admin's becomes the admin's own."""
    by = _role_of(caller, instance)
    if instance.locked and by == OWNER:
        return
    columns = {"locked": True, "locked_by": by, "updated_at": timezone.now()}
    if reason:
        columns["locked_reason"] = reason
    Instance.objects.alive().filter(pk=instance.pk).update(**columns)
    log_action(caller, instance, "lock", "api_lock")


def unlock_server(caller: Caller, instance: Instance) -> None:
    """Raises ``PolicyRefused`` where somebody else has locked it and the caller may not override
    that.
    """
    if instance.locked_by not in (None, _role_of(caller, instance)):
        caller.permit(rules.UNLOCK_OVERRIDE, project_id=instance.project_id)
    Instance.objects.alive().filter(pk=instance.pk).update(
        locked=False, locked_by=None, locked_reason=None, updated_at=timezone.now()
    )
    log_action(caller, instance, "unlock", "api_unlock")


def _role_of(caller: Caller, instance: Instance) -> str:
    return OWNER if caller.project_id == instance.project_id else ADMIN

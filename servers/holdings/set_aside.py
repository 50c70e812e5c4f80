"""Takes deleted servers out of the quota while they can be restored, and back into it."""

from __future__ import annotations

import functools

from django.utils import timezone

from quotas.enforce import give_back, reserve
from quotas.fit import Wanted
from servers.models import Instance, InstanceMapping
from servers.usage import count_server_usage


def set_aside(instance: Instance) -> None:
    """The server is soft-deleted: its quota goes back, once. Call this in the transaction in which
    the server has taken the step, so that its row is locked.
    """
    row = Instance.objects.filter(pk=instance.pk)
    counted = row.filter(soft_deleted_at__isnull=True).exists()
    row.update(soft_deleted_at=timezone.now())
    InstanceMapping.objects.filter(instance=instance).update(queued_for_delete=True)
    if counted:
        amounts = {"instances": 1, "cores": instance.vcpus, "ram": instance.memory_mb}
        give_back(instance.project_id, amounts)


def take_back(instance: Instance) -> None:
    """The server counts in the quota again. Call this in the transaction in which it takes the
    step.

    Raises:
        OverQuota: the project has no quota left for it.
    """
    project_id, user_id = instance.project_id, str(instance.user_id)
    wanted = Wanted.servers(
        vcpus=instance.vcpus, memory_mb=instance.memory_mb, minimum=1, maximum=1
    )
    usage = functools.partial(count_server_usage, project_id, user_id)
    if not Instance.objects.filter(pk=instance.pk, soft_deleted_at__isnull=False).exists():
        return
    reserve(project_id, user_id, wanted, user_usage=usage)
    Instance.objects.filter(pk=instance.pk).update(soft_deleted_at=None)
    InstanceMapping.objects.filter(instance=instance).update(queued_for_delete=False)

"""The password that a guest has handed in, encrypted with the server's key."""

from __future__ import annotations

from django.db import transaction

from servers.models import Instance

CHUNKS = tuple(f"password_{number}" for number in range(4))
"""Where the parts of it are kept, in order."""


def read_password(instance: Instance) -> str:
    """Empty where the guest has handed in none."""
    return "".join(str(instance.system_metadata.get(chunk) or "") for chunk in CHUNKS)


def forget_password(instance: Instance) -> None:
    """Forget it; the guest keeps its password."""
    with transaction.atomic():
        row = Instance.objects.select_for_update(no_key=True).filter(pk=instance.pk)
        for kept in row.values_list("system_metadata", flat=True):
            left = {key: value for key, value in kept.items() if key not in CHUNKS}
            row.update(system_metadata=left)

"""Notes who signs in with a browser."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from compute_site.identity.models import SignIn, User
from compute_site.request_id import current_sender

KEPT = dt.timedelta(days=90)
"""How long sign-ins are remembered."""


def note_sign_in(user: User, **_: Any) -> None:
    """Receiver of Django's ``user_logged_in``."""
    SignIn.objects.create(user=user, address=current_sender.get().address.strip("-"))


def purge_sign_ins() -> int:
    """Forget the old ones; their number."""
    return SignIn.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]

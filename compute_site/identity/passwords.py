"""Checks passwords, and caches right ones for a short time, so that the slow hash does not run in
every request.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from compute_site.identity.models import ApplicationCredential, User
from compute_site.identity.scope import Scope

MOST_REMEMBERED = 10_000


class PasswordMemory:
    """Verified passwords of this process, none of them in clear.

    The key is an HMAC over user, current password hash and password under the site's key: after a
    change of the password the old one is not found any more.
    """

    def __init__(self) -> None:
        self._until: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def knows(self, key: bytes) -> bool:
        return self._until.get(key, 0.0) > time.monotonic()

    def remember(self, key: bytes) -> None:
        with self._lock:
            if len(self._until) >= MOST_REMEMBERED:
                self._drop()
            self._until[key] = time.monotonic() + settings.OPTIONS.password_memory_seconds

    def forget_all(self) -> None:
        with self._lock:
            self._until.clear()

    def _drop(self) -> None:
        """Drop expired entries, or the oldest half if none has expired."""
        now = time.monotonic()
        alive = {key: until for key, until in self._until.items() if until > now}
        if len(alive) >= MOST_REMEMBERED:
            alive = dict(list(alive.items())[MOST_REMEMBERED // 2 :])
        self._until = alive


memory = PasswordMemory()


def verify_password(scope: Scope | None, password: str) -> bool:
    """Is this the user's password? An unknown user (``None``) takes as long as a known one."""
    if scope is None:
        make_password(password)
        return False

    def upgrade(raw: str) -> None:
        """Keep the password in the preferred hash from now on."""
        User.objects.filter(pk=scope.user_id, password=scope.password_hash).update(
            password=make_password(raw)
        )

    return _verify(scope.user_id, scope.password_hash, password, upgrade)


def verify_secret(credential: ApplicationCredential | None, secret: str) -> bool:
    """Is this the secret of the application credential? As ``verify_password``."""
    if credential is None:
        make_password(secret)
        return False
    return _verify(credential.pk, credential.secret_hash, secret)


def _verify(
    owner: str, encoded: str, secret: str, upgrade: Callable[[str], None] | None = None
) -> bool:
    key = _key_of(owner, encoded, secret)
    if memory.knows(key):
        return True
    if not check_password(secret, encoded, upgrade):
        return False
    memory.remember(key)
    return True


def _key_of(*parts: str) -> bytes:
    message = b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)
    return hmac.digest(settings.SECRET_KEY.encode(), message, "sha256")

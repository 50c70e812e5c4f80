"""Signs people in to the HTML pages with the same check of the password as the APIs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied

from compute_site.identity.errors import InvalidPassword
from compute_site.identity.factors import PASSWORD_ALONE, MoreProofsNeeded, check_factors
from compute_site.identity.models import User
from compute_site.identity.proof import prove_password
from compute_site.identity.scope import find_by_user


class SignInBackend(BaseBackend):
    """The first of Django's authentication backends: if it refuses, no other one is asked."""

    def authenticate(
        self,
        request: object,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        scope = find_by_user(name=username)
        try:
            scope = prove_password(scope, password, named=username, by="page")
            check_factors(scope, PASSWORD_ALONE)  # pages ask for nothing else
        except (InvalidPassword, MoreProofsNeeded) as error:
            raise PermissionDenied from error
        return self.get_user(scope.user_id)

    def get_user(self, user_id: str) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()

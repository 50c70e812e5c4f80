"""Browsers of people who work in the admin."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.test import Client

from compute_site.identity.models import Project, Role, User
from compute_site.policy.grants import give_role
from tests.world.factories import make_user


def operator() -> Client:
    """A superuser, logged in."""
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def staff(*permissions: str, role: tuple[Project, Role] | None = None) -> Client:
    """A member of the staff with these permissions (``servers.view_instance``) and no other, and
    perhaps a role in a project.
    """
    user = make_user(is_staff=True)
    permit(user, *permissions)
    if role is not None:
        give_role(user, *role)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def permit(user: User, *permissions: str) -> None:
    """Give the user Django's permissions."""
    for name in permissions:
        app, _, codename = name.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )


def user_of(client: Client) -> User:
    """Who is logged in."""
    return User.objects.get(pk=client.session["_auth_user_id"])

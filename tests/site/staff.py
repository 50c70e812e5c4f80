"""Browsers of people who work in the admin."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.test import Client

from tests.factories import make_user


def operator() -> Client:
    """A superuser, logged in."""
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def staff(*permissions: str) -> Client:
    """A member of the staff with these permissions (``servers.view_instance``) and no other."""
    user = make_user(is_staff=True)
    for name in permissions:
        app, _, codename = name.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    client = Client()
    client.force_login(user)
    return client

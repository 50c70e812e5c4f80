"""Who can sign in to the demo cloud. Its passwords are known to everybody, so that they are good
only where nobody else can reach the site; elsewhere each user gets a random one.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.hashers import check_password

from compute_site.identity.models import User
from compute_site.quickstart.start import Account

Accounts = dict[str, Account]
"""By the name of the user."""


def read_accounts(document: Mapping[str, Any]) -> Accounts:
    """The users of a cloud file with the passwords that stand there, each in its first project;
    without those who have no password, or no project.
    """
    return {
        user["name"]: Account(user["name"], user["password"], user["projects"][0]["project"])
        for user in document.get("users") or ()
        if user.get("password") and user.get("projects")
    }


def choose_accounts(known: Accounts, kept: Accounts, *, private: bool) -> Accounts:
    """The accounts of a cloud that is about to be made: as they were kept, else with the passwords
    that everybody knows, or random ones where others can come.
    """
    return {
        name: _account_of(account, kept.get(name), private=private)
        for name, account in known.items()
    }


def find_accounts(known: Accounts, kept: Accounts, *, private: bool) -> Accounts:
    """The accounts of a cloud that is there, as far as their passwords are known.

    Where others can come, those whose password everybody knows have another here; whoever asks
    sets it (``set_passwords``).
    """
    if private:
        return {**known, **{name: kept[name] for name in known if name in kept}}
    exposed = {user.username: known[user.username] for user in find_exposed(known)}
    others = {name: kept[name] for name in known if name in kept and name not in exposed}
    return {**others, **choose_accounts(exposed, kept, private=False)}


def find_exposed(known: Accounts) -> list[User]:
    """The users who have the password that everybody knows."""
    users = User.objects.filter(username__in=known)
    return [user for user in users if check_password(known[user.username].password, user.password)]


def set_passwords(known: Accounts, accounts: Accounts) -> None:
    """Give those whose password everybody knows that of their account; their tokens end."""
    for user in find_exposed(known):
        user.set_password(accounts[user.username].password)
        user.save(update_fields=["password"])


def with_passwords(document: Mapping[str, Any], accounts: Accounts) -> dict[str, Any]:
    """The cloud file with the passwords of the accounts."""
    users = [{**user, "password": accounts[user["name"]].password} for user in document["users"]]
    return {**document, "users": users}


def _account_of(known: Account, kept: Account | None, *, private: bool) -> Account:
    if kept is not None and (private or kept.password != known.password):
        return dataclasses.replace(known, password=kept.password)
    return known if private else dataclasses.replace(known, password=secrets.token_urlsafe(18))

"""The key pairs of users: find, import or make, delete. A key pair belongs to no project."""

from __future__ import annotations

import dataclasses

from django.db import transaction

from compute_site.caller import Caller, PolicyRefused
from compute_site.db.paging import Paging, cut_page
from compute_site.identity.models import User
from quotas.fit import check_limit
from quotas.limits import effective_limits
from servers.keypairs.errors import (
    KeyPairExists,
    KeyPairMarkerNotFound,
    KeyUnusable,
    NoSuchKeyPair,
    UserNotFound,
)
from servers.keypairs.fingerprint import fingerprint_of
from servers.keypairs.making import make_keys
from servers.models import KeyPair

RESOURCE = "key_pairs"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyPairOrder:
    """A key pair to keep; without a public key both halves are made, without a user it is the
    caller's.
    """

    name: str
    kind: str = "ssh"
    public_key: str | None = None
    user_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class KeptKeyPair:
    """A new key pair. The private key is told once and not stored."""

    keypair: KeyPair
    private_key: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyPairSearch:
    """Whose key pairs (none: the caller's), and which page of them."""

    user_id: str | None
    paging: Paging


def create_keypair(caller: Caller, order: KeyPairOrder) -> KeptKeyPair:
    """Keep a public key, or make a pair. The limit is that of the caller, the count that of the
    user.

    Raises:
        LimitExceeded: the user has as many as allowed.
        KeyUnusable: the public key is none of its kind.
        UserNotFound: there is no such user.
        KeyPairExists: the user has one of that name.
    """
    user_id = order.user_id or caller.user_id
    limits = effective_limits(caller.project_id, caller.user_id, [RESOURCE])
    _check_room(limits, user_id)  # before the work of making a key
    made = None if order.public_key is not None else make_keys(order.kind, user_id)
    public_key = made.public_key if made else order.public_key or ""
    fingerprint = _fingerprint(order.kind, public_key)
    with transaction.atomic():
        _lock_user(user_id)
        _check_room(limits, user_id)
        keypair, is_new = KeyPair.objects.get_or_create(
            user_id=user_id,
            name=order.name,
            defaults={
                "type": order.kind,
                "public_key": public_key,
                "fingerprint": fingerprint,
            },
        )
    if not is_new:
        raise KeyPairExists(f"There is a key pair {order.name} already.", field="keypair.name")
    return KeptKeyPair(keypair, made.private_key if made else None)


def find_keypair(caller: Caller, user_id: str | None, name: str) -> KeyPair:
    """One key pair of a user.

    Raises:
        NoSuchKeyPair: the user has none of that name.
    """
    keypair = KeyPair.objects.filter(user=user_id or caller.user_id, name=name).first()
    if keypair is None:
        raise NoSuchKeyPair(f"There is no key pair {name}.")
    return keypair


def delete_keypair(caller: Caller, user_id: str | None, name: str) -> None:
    """Forget a key pair; servers keep their copy of it. Raises as ``find_keypair`` does."""
    deleted, _ = KeyPair.objects.filter(user=user_id or caller.user_id, name=name).delete()
    if not deleted:
        raise NoSuchKeyPair(f"There is no key pair {name}.")


def list_keypairs(caller: Caller, search: KeyPairSearch) -> list[KeyPair]:
    """A page of a user's key pairs, by name.

    Raises:
        KeyPairMarkerNotFound: the marker is none of them.
    """
    keypairs = KeyPair.objects.filter(user=search.user_id or caller.user_id)
    after = None
    if search.paging.marker is not None:
        after = keypairs.filter(name=search.paging.marker).first()
        if after is None:
            raise KeyPairMarkerNotFound(
                f"The marker {search.paging.marker} is no key pair.", field="marker"
            )
    return cut_page(keypairs, [("name", False), ("pk", False)], search.paging, after)


def permit_keypairs(caller: Caller, rule: str, user_id: str | None) -> None:
    """Own key pairs need the rule in the project, those of others need it in the whole cloud.

    Raises:
        PolicyRefused: it is not granted.
    """
    caller.permit(rule)
    if user_id not in (None, "", caller.user_id) and rule not in caller.global_rules:
        raise PolicyRefused(f"The policy rule {rule} is granted to you for your own key pairs.")


def _lock_user(user_id: str) -> None:
    """Lock the user, so that requests that add key pairs wait for each other and none gets past the
    limit.
    """
    users = User.objects.select_for_update(no_key=True).filter(pk=user_id)
    if users.values_list("pk").first() is None:
        raise UserNotFound(f"There is no user {user_id}.", field="keypair.user_id")


def _check_room(limits: dict[str, int], user_id: str) -> None:
    check_limit(limits, RESOURCE, KeyPair.objects.filter(user=user_id).count() + 1)


def _fingerprint(kind: str, public_key: str) -> str:
    try:
        return fingerprint_of(kind, public_key)
    except ValueError as error:
        raise KeyUnusable(
            f"The public key cannot be used: {error}.", field="keypair.public_key"
        ) from None

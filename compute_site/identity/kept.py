"""The one home of stored credentials, policies and settings of domains."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.identity import passcodes
from compute_site.identity.errors import (
    MalformedRequest,
    NoSuchThing,
    UnknownSetting,
)
from compute_site.identity.ldap_settings import SECRETS, SETTINGS
from compute_site.identity.models import Domain, DomainOption, StoredCredential, StoredPolicy
from compute_site.identity.records import note_change
from compute_site.identity.rows import change_row, make_row, remove_row
from compute_site.secrets.sealing import seal, unseal

EC2 = "ec2"
OF_CREDENTIAL = {name: name for name in ("id", "user_id", "project_id", "type")} | {
    "blob": "sealed_blob"
}
OF_POLICY = {"type": "type", "blob": "blob"}
TIES = ("trust_id", "app_cred_id", "access_token_id", "access_id")
"""What ties a pair of keys to the way it was made; it stays."""


def make_stored(members: Mapping[str, Any], *, by: str) -> StoredCredential:
    """Raises: NameInUse: there is one of this access key; MalformedRequest: wrong keys for EC2, or
    a secret that no authenticator can use.
    """
    wanted = {**members, "blob": seal(members["blob"])}
    wanted.pop("id", None)
    _check_passcodes(members["type"], members["blob"])
    if members["type"].lower() == EC2:
        if not members.get("project_id"):
            raise MalformedRequest("credential.project_id: keys for EC2 need a project.")
        wanted["id"] = id_of_key(_keys_of(members["blob"])["access"])
    return make_row(StoredCredential(), wanted, columns=OF_CREDENTIAL, by=by)


def make_ec2(user_id: str, project_id: str, *, by: str) -> StoredCredential:
    """A new pair of keys."""
    keys = {"access": secrets.token_hex(16), "secret": secrets.token_hex(16), "trust_id": None}
    members = {"user_id": user_id, "project_id": project_id, "type": EC2, "blob": json.dumps(keys)}
    return make_stored(members, by=by)


def change_stored(
    row: StoredCredential, members: Mapping[str, Any], *, by: str
) -> StoredCredential:
    """Another blob; raises as ``make_stored``."""
    _check_passcodes(row.type, members["blob"])
    if row.type.lower() == EC2:
        old, new = _keys_of(blob_of(row)), _keys_of(members["blob"])
        changed = [name for name in TIES if old.get(name) != new.get(name)]
        if changed:
            raise MalformedRequest(f"credential.blob: {changed[0]} stays as it is.")
    return change_row(row, {"blob": seal(members["blob"])}, columns=OF_CREDENTIAL, by=by)


def remove_stored(row: StoredCredential, *, by: str) -> None:
    remove_row(row, by=by)


def blob_of(row: StoredCredential) -> str:
    return unseal(row.sealed_blob)


def _check_passcodes(kind: str, blob: str) -> None:
    """Raises: MalformedRequest: no authenticator can use the secret."""
    if kind != passcodes.TYPE:
        return
    try:
        passcodes.read_secret(blob)
    except passcodes.BadSecret as error:
        raise MalformedRequest(f"credential.blob: {error}") from None


def keys_of(row: StoredCredential) -> dict[str, Any]:
    """What is in the blob of a pair of keys."""
    return _keys_of(blob_of(row))


def id_of_key(access: str) -> str:
    """The id of the credential with this access key."""
    return hashlib.sha256(access.encode()).hexdigest()


def is_utf8(text: str) -> bool:
    """Can it be written in UTF-8? What JSON escapes may have halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _keys_of(blob: str) -> dict[str, Any]:
    """Raises: MalformedRequest: the blob is no object with an access key."""
    try:
        keys = json.loads(blob)
    except ValueError:
        keys = None
    access = keys.get("access") if isinstance(keys, dict) else None
    if not isinstance(keys, dict) or not isinstance(access, str) or not is_utf8(access):
        raise MalformedRequest("credential.blob: give the JSON text of an object with access.")
    return keys


def make_policy(members: Mapping[str, Any], *, by: str) -> StoredPolicy:
    return make_row(StoredPolicy(), members, columns=OF_POLICY, by=by)


def change_policy(row: StoredPolicy, members: Mapping[str, Any], *, by: str) -> StoredPolicy:
    return change_row(row, members, columns=OF_POLICY, by=by)


def remove_policy(row: StoredPolicy, *, by: str) -> None:
    remove_row(row, by=by)


Config = dict[str, dict[str, Any]]


def find_config(domain: Domain, group: str | None = None, option: str | None = None) -> Config:
    """The settings of the domain without secrets: group → option → value.

    Raises:
        UnknownSetting: there is no such setting.
        NoSuchThing: the domain has none of these.
    """
    check_setting(group, option)
    found = read_config(domain, group, option)
    if not found:
        raise _missing(domain, group, option)
    return found


def read_config(domain: Domain, group: str | None = None, option: str | None = None) -> Config:
    """As ``find_config``; empty where there are none."""
    found: Config = {}
    for row in _rows(domain, group, option):
        if not is_secret(row.group, row.option):
            found.setdefault(row.group, {})[row.option] = row.value
    return found


def set_config(domain: Domain, config: Config, *, by: str) -> bool:
    """Give the domain these settings and no others; had it any before?"""
    check_config(config)
    with transaction.atomic():
        had, _ = _rows(domain, None, None).delete()
        _write(domain, config)
        note_change(domain, "Changed: config.", by=by)
    return bool(had)


def change_config(
    domain: Domain, config: Config, group: str | None, option: str | None, *, by: str
) -> None:
    """Change those that are named; with ``group``, and ``option``, of those alone.

    Raises:
        UnknownSetting: there is no such setting, or another one than that of the URL is named.
        NoSuchThing: the domain does not have it.
    """
    check_setting(group, option)
    if group is not None and option is not None:
        config = {group: config}
    check_config(config)
    if group is not None and set(config) != {group}:
        raise UnknownSetting(f"config: give the group {group} alone.")
    if option is not None and set(config[str(group)]) != {option}:
        raise UnknownSetting(f"config: give the option {option} alone.")
    with transaction.atomic():
        if group is not None and not _rows(domain, group, option).exists():
            raise _missing(domain, group, option)
        _write(domain, config)
        note_change(domain, "Changed: config.", by=by)


def remove_config(domain: Domain, group: str | None, option: str | None, *, by: str) -> None:
    """Raises: UnknownSetting, NoSuchThing."""
    check_setting(group, option)
    with transaction.atomic():
        if not _rows(domain, group, option).delete()[0] and group is not None:
            raise _missing(domain, group, option)
        note_change(domain, "Changed: config.", by=by)


def default_config(group: str | None = None, option: str | None = None) -> Config:
    """What each setting is by default, without secrets; raises ``UnknownSetting``."""
    check_setting(group, option)
    if option is not None and is_secret(str(group), option):
        raise UnknownSetting(f"{group}.{option} is a secret, and not shown.")
    return {
        name: {key: value for key, value in options.items() if option in (None, key)}
        for name, options in SETTINGS.items()
        if group in (None, name)
    }


def is_secret(group: str, option: str) -> bool:
    """Is it a setting that is never shown?"""
    return option in SECRETS.get(group, ())


def check_setting(group: str | None, option: str | None = None) -> None:
    """Raises ``UnknownSetting`` where there is none of this name."""
    if group is not None and group not in SETTINGS:
        raise UnknownSetting(f"There is no group {group[:60]} of settings of domains.")
    known = {*SETTINGS.get(str(group), ()), *SECRETS.get(str(group), ())}
    if option is not None and option not in known:
        raise UnknownSetting(f"There is no setting {group}.{option[:60]} of domains.")


def check_config(config: Any) -> None:
    """Raises ``UnknownSetting`` where it is not made of known settings."""
    if not isinstance(config, dict) or not config:
        raise UnknownSetting("config: give an object with groups of settings.")
    for group, options in config.items():
        check_setting(group)
        if not isinstance(options, dict) or not options:
            raise UnknownSetting(f"config.{group}: give an object with settings.")
        for option, value in options.items():
            check_setting(group, option)
            if is_secret(group, option) and not isinstance(value, str):
                raise UnknownSetting(f"config.{group}.{option}: give a text.")
            if value is None:
                raise UnknownSetting(f"config.{group}.{option}: give a value; DELETE removes it.")


def _missing(domain: Domain, group: str | None, option: str | None) -> NoSuchThing:
    named = ".".join(text for text in (group, option) if text)
    return NoSuchThing(f"The domain {domain.pk} has no setting {named or 'at all'}.")


def _rows(domain: Domain, group: str | None, option: str | None) -> Any:
    named = {"group": group, "option": option}
    return domain.config.filter(**{key: text for key, text in named.items() if text is not None})


def _write(domain: Domain, config: Config) -> None:
    DomainOption.objects.bulk_create(
        [
            DomainOption(
                domain=domain,
                group=group,
                option=option,
                value=seal(value) if is_secret(group, option) else value,
            )
            for group, options in config.items()
            for option, value in options.items()
        ],
        update_conflicts=True,
        unique_fields=["domain", "group", "option"],
        update_fields=["value"],
    )

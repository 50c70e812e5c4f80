"""What users may let others do for them: never more than they may do themselves."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.faults import Fault
from compute_site.identity.derived import implications
from compute_site.identity.errors import RestrictedToken
from compute_site.identity.models import NamedRole, Role
from compute_site.identity.scope import find_by_user
from compute_site.identity.tokens import ValidToken


def check_direct(caller: ValidToken) -> None:
    """Go on only with the token of somebody who came in person: what others act with gives nothing
    on, and sees no secrets.

    Raises:
        RestrictedToken: it is one of a trust, or was got by what others may hold.
    """
    if caller.is_delegated or caller.token.trust_id is not None:
        raise RestrictedToken("This needs a token that nobody has delegated to somebody else.")


def check_own(caller: ValidToken) -> None:
    """Go on only with the token of the user, or one of an application credential of the user.

    Raises:
        RestrictedToken: it is one of a trust, an access token or a pair of keys.
    """
    by_credential = list(caller.token.methods) == ["application_credential"]
    if caller.token.trust_id is not None or (caller.is_delegated and not by_credential):
        raise RestrictedToken(
            "A token that somebody else has delegated has nothing to do with application "
            "credentials."
        )


def choose_roles(
    holder_id: str, project_id: str, roles: Sequence[str], *, missing: type[Fault]
) -> tuple[str, list[str]]:
    """Of the roles with these ids: the largest one of ``Role`` among them and what they imply, and
    the keys of the others.

    Raises:
        Fault: the holder does not hold one of them in the project; ``missing`` says which fault.
    """
    scope = find_by_user(user_id=holder_id, project_id=project_id)
    implied = implications()
    rows = {role.pk: role for role in NamedRole.objects.all()}
    own = set(scope.others if scope is not None and scope.project_id is not None else ())
    if scope is not None and scope.project_id is not None:
        own |= {one.value for role in scope.roles for one in role.implied}
    for role_id in roles:
        if role_id not in rows or rows[role_id].key not in own:
            raise missing(f"The user holds no role {role_id[:60]} in this project.")
    wanted = {role_id for one in roles for role_id in (one, *implied.get(one, ()))}
    keys = {rows[role_id].key for role_id in wanted}
    ladder = [role.value for role in Role if role.value in keys]
    return (ladder[-1] if ladder else ""), sorted(keys - set(Role.values))

"""Finds one server by its id, for a caller who wants to do something with it."""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.policy.granted import rules_on
from compute_site.values.words import is_canonical
from servers.errors import NoSuchServer
from servers.models import Instance
from servers.read.details import Details, Parts, read_details, read_one


def find_server(
    caller: Caller, server_id: str, rule: str, *, deleted: bool = False, ordered: bool = True
) -> Instance:
    """The server, with its build request if there is one, for a caller who holds the rule on it.
    ``deleted``: also deleted servers. ``ordered``: also servers that nobody has begun to build.

    Raises:
        NoSuchServer: it does not exist, is deleted, or is another project's.
        PolicyRefused: the caller's project has it, but the rule is not granted.
    """
    check_server_id(server_id)
    instance = (
        (Instance.objects.all() if deleted else Instance.objects.alive())
        .filter(uuid=server_id)
        .select_related("build_request")
        .defer("user_data", "key_data", "numa_topology", "build_request__injected_files")
        .first()
    )
    if instance is None or (not ordered and is_order(instance)):
        raise NoSuchServer(server_id)
    permit_on(caller, rule, server_id=server_id, key=instance.pk, project_id=instance.project_id)
    return instance


def find_details(caller: Caller, server_id: str, rule: str, parts: Parts) -> Details:
    """What an answer shows of the server; raises as ``find_server`` does."""
    check_server_id(server_id)
    details = read_one(caller, server_id, parts)
    if not details.rows:
        raise NoSuchServer(server_id)
    row = details.rows[0]
    permit_on(caller, rule, server_id=server_id, key=row.pk, project_id=row.project_id)
    return details


def details_of(instance: Instance, parts: Parts) -> Details:
    """What an answer shows of a server that was found and changed.

    Raises:
        NoSuchServer: it was deleted meanwhile.
    """
    details = read_details(Instance.objects.alive().filter(pk=instance.pk), parts)
    if not details.rows:
        raise NoSuchServer(str(instance.uuid))
    return details


def check_server_id(server_id: str) -> None:
    """Raises ``NoSuchServer`` where the text has not the form of an id."""
    if not is_canonical(server_id):
        raise NoSuchServer(server_id)


def permit_on(caller: Caller, rule: str, *, server_id: str, key: int, project_id: str) -> None:
    """Go on if the rule is granted on the server's project, or on the server itself.

    Raises:
        NoSuchServer: it is another project's: the caller shall not learn that it exists.
        PolicyRefused: the caller may know of the server, but not do this.
    """
    if caller.may(rule, project_id=project_id) or rule in rules_on(caller, Instance, key):
        return
    if project_id != caller.project_id and not caller.is_admin:
        raise NoSuchServer(server_id)
    caller.permit(rule, project_id=project_id)


def is_order(instance: Instance) -> bool:
    """Has nobody begun to build the server? For one that ``find_server`` found."""
    return getattr(instance, "build_request", None) is not None

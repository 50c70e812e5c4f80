"""What can be wrong with a request for servers that exist, and for their groups."""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Conflict, Forbidden, NotFound

# reading


class NoSuchServer(NotFound):
    """The URL names a server that does not exist, or that the caller may not know of."""

    code = "no_such_server"

    def __init__(self, server_id: str) -> None:
        super().__init__(f"There is no server {server_id}.")


class BadFilter(BadRequest):
    """Servers cannot be filtered by that."""

    code = "bad_filter"


class CostlyFilter(BadRequest):
    """To filter by that takes the database too long."""

    code = "costly_filter"


class BadStatus(BadRequest):
    """There is no such status of servers."""

    code = "bad_status"


class SortRefused(Forbidden):
    """Only an admin may sort by that."""

    code = "sort_refused"


class MarkerNotFound(BadRequest):
    """The marker is no server that the list could show."""

    code = "marker_not_found"


class DeletedServersHidden(Forbidden):
    """Only an admin may list deleted servers."""

    code = "deleted_servers_hidden"


# changing


class NoSuchUser(NotFound):
    """The URL names a user that does not exist."""

    code = "no_such_user"

    def __init__(self, user_id: str) -> None:
        super().__init__(f"There is no user {user_id}.")


class NotGrantable(BadRequest):
    """The rule is none that can be granted on one server."""

    code = "not_grantable"

    def __init__(self, rule: str, *, field: str) -> None:
        super().__init__(f"{rule} is no rule that can be granted on one server.", field=field)


class NothingGranted(NotFound):
    """The user holds no rule on the server."""

    code = "nothing_granted"


class ZonePinned(Conflict):
    """The server cannot be pinned to that zone."""

    code = "zone_pinned"


class ServerLocked(Conflict):
    """The server is locked, and the caller is no admin."""

    code = "server_locked"


class WrongState(Conflict):
    """The server is not in a state that allows this."""

    code = "wrong_state"


class ConsoleUnavailable(BadRequest):
    """Nobody can open such a console here."""

    code = "console_unavailable"


class NoSuchConsoleToken(NotFound):
    """The URL names a token that is for no console."""

    code = "no_such_console_token"


class ConsoleTokensHidden(BadRequest):
    """This microversion does not tell of tokens."""

    code = "console_tokens_hidden"


# what belongs to a server


class NoSuchItem(NotFound):
    """The URL names something that the server does not have."""

    code = "no_such_item"


class ItemMissing(BadRequest):
    """The body does not hold the item that the URL names."""

    code = "item_missing"


class TooManyTags(BadRequest):
    """The server would have more tags than it may."""

    code = "too_many_tags"


class MalformedTag(BadRequest):
    """The URL names what cannot be a tag."""

    code = "malformed_tag"


class NoSuchServerGroup(NotFound):
    """The URL names a server group that does not exist."""

    code = "no_such_server_group"


class RulesNeedAntiAffinity(BadRequest):
    """The policy of the server group takes no rules."""

    code = "rules_need_anti_affinity"


class PeriodReversed(BadRequest):
    """A period ends before it begins."""

    code = "period_reversed"


class HostOutsideZone(Conflict):
    """The host is not in the zone that the server shall lie in."""

    code = "host_outside_zone"


class VolumesElsewhere(Conflict):
    """A volume of the server is in another zone, and that is not allowed here."""

    code = "volumes_elsewhere"


class NoGuestAgent(BadRequest):
    """The image requires that file systems stand still, and has no agent that could do it."""

    code = "no_guest_agent"


class VolumesNotQuiesced(Conflict):
    """The image requires that file systems stand still, and volumes are saved while they do not."""

    code = "volumes_not_quiesced"


class BackupNeedsImage(BadRequest):
    """A server that was booted from a volume cannot be backed up as an image."""

    code = "backup_needs_image"


class NotRescuable(BadRequest):
    """A server that was booted from a volume can be rescued only with certain images, on certain
    hosts and by later microversions.
    """

    code = "not_rescuable"


class RescueImageUnusable(BadRequest):
    """No server can be rescued with the image."""

    code = "rescue_image_unusable"


class VolumeNotInUse(Conflict):
    """A volume of the server is not in use, as its service has it."""

    code = "volume_not_in_use"


class RebuildNeedsVolumes(BadRequest):
    """A volume of the server is not in use, as its service has it."""

    code = "rebuild_needs_volumes"


class NumaLayoutFixed(BadRequest):
    """A server keeps the NUMA layout that it was placed with."""

    code = "numa_layout_fixed"


class RebuildNeedsVersion(BadRequest):
    """A server booted from a volume needs a later microversion to be rebuilt from another image."""

    code = "rebuild_needs_version"


class ZoneUnavailable(BadRequest):
    """The zone has no host that could take servers."""

    code = "zone_unavailable"


class HostNotFound(BadReference):
    """No host, or no node on it, has that name."""

    code = "host_not_found"

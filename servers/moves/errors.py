"""What can be wrong with a request to move a server."""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Conflict, NotFound


class SameFlavor(BadRequest):
    """The server has that flavor already."""

    code = "same_flavor"


class ZeroDiskRefused(BadRequest):
    """A root disk cannot be taken away from a server that uses it."""

    code = "zero_disk_refused"


class SecretsWouldMove(BadRequest):
    """The owner of the secrets of a virtual TPM cannot change."""

    code = "secrets_would_move"


class NotResized(BadRequest):
    """There is no resize to confirm or revert, or that goes on already."""

    code = "not_resized"


class SameHost(BadRequest):
    """The server lies on that host already."""

    code = "same_host"


class DestinationNotFound(BadReference):
    """No host has the name that the server shall go to."""

    code = "destination_not_found"


class NoDestination(BadRequest):
    """The server cannot go anywhere; the text says why."""

    code = "no_destination"


class HostNotFound(NotFound):
    """No host has the name that the server shall go to. Nova: 404."""

    code = "host_not_found"


class HostInUse(BadRequest):
    """Servers are evacuated only from hosts that have failed."""

    code = "host_in_use"


class WrongMoveStatus(BadRequest):
    """The move has come too far, or not far enough, for this."""

    code = "wrong_move_status"


class HostDown(Conflict):
    """The host that must take part does not answer."""

    code = "host_down"

"""What can be wrong with a request for key pairs."""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Conflict, NotFound

# key pairs and server groups


class NoSuchKeyPair(NotFound):
    """The URL names a key pair that the user does not have."""

    code = "no_such_keypair"


class KeyPairMarkerNotFound(BadReference):
    """The marker is no key pair of the user."""

    code = "keypair_marker_not_found"


class KeyPairExists(Conflict):
    """The user has a key pair of that name."""

    code = "keypair_exists"


class KeyUnusable(BadRequest):
    """The public key is malformed, or of another kind than the body says."""

    code = "key_unusable"


class UserNotFound(BadReference):
    """The body names a user who does not exist."""

    code = "user_not_found"

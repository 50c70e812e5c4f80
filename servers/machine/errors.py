"""What can be wrong with what a server is made of."""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Conflict, Forbidden


class FlavorNotFound(BadReference):
    """No flavor of that id is open to the project, or it is disabled."""

    code = "flavor_not_found"


class ImageNotFound(BadReference):
    """No image of that id is open to the project."""

    code = "image_not_found"


class ImageUnusable(BadRequest):
    """A server cannot boot from an image in this state or of this kind."""

    code = "image_unusable"


class CertificatesNeedImage(BadRequest):
    """Certificates check an image; a server that boots from a volume has none."""

    code = "certificates_need_image"


class DiskConfigForbidden(BadRequest):
    """The image forbids that the host resizes the root partition."""

    code = "disk_config_forbidden"


class FlavorTooSmall(BadRequest):
    """The image needs more memory or disk than the flavor has."""

    code = "flavor_too_small"


class RootDiskRequired(Forbidden):
    """The flavor has no root disk, and the caller may not use it with an image."""

    code = "root_disk_required"


class KeyPairNotFound(BadReference):
    """The user has no key pair of that name."""

    code = "keypair_not_found"


class HardwareBound(BadRequest):
    """The server's TPM or encrypted memory cannot come along."""

    code = "hardware_bound"


class MixedPolicyTooNew(Conflict):
    """The hosts are too old for servers with shared and dedicated CPUs."""

    code = "mixed_policy_too_new"


class DeviceProfileUnknown(BadReference):
    """The flavor asks for an accelerator, which this site does not have."""

    code = "device_profile_unknown"


class VolumeTooSmall(BadRequest):
    """The image needs a larger root disk than the volume would be."""

    code = "volume_too_small"

"""Packages of Debian for the first guest, beside those of its host (servers/agent/packages.py)."""

from __future__ import annotations

IMAGE_PACKAGES = (
    *("busybox-static", "cpio", "binutils", "mtools", "dosfstools"),
    *("e2fsprogs", "fdisk", "syslinux", "openssh-client"),
)
"""What makes its image, and logs in to it."""

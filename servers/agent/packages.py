"""Packages of Debian that a host with guests needs."""

from __future__ import annotations

PACKAGES = (
    *("qemu-system-x86", "qemu-utils", "qemu-block-extra"),
    *("libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients"),
    *("python3", "python3-libvirt", "python3-pycdlib"),
    *("dnsmasq-base", "nftables", "iproute2", "procps", "kmod", "util-linux", "openssl", "netbase"),
)

"""Guests as machines of QEMU, run by libvirt."""

"""Moves servers to other hosts, and to other flavors on the way."""

"""Tries what a request would do, up to the host that a server would get, and undoes it."""
